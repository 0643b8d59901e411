package webhook

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/projections"
)

// An error that quotes what came is kept no longer than an answer is: a stranger decides how long that is.
func TestErrorsAreBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = connection.Write([]byte("HTTP/1.1 " + strings.Repeat("\x01", 32<<10) + "\r\n\r\n"))
			connection.Close()
		}
	}()
	var made projections.Attempt
	a, err := exchange(t.Context(), http.DefaultClient, "http://"+listener.Addr().String(), http.Header{}, nil, &made)
	if err == nil || a.kind == accepted {
		t.Fatalf("garbage is %s, %v", a.kind, err)
	}
	if n := len(err.Error()); n > answerKept+len("\uFFFD") {
		t.Errorf("the error has %d bytes", n)
	}
}
