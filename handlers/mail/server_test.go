package mail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-sync/rollcall/handlers/mail"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mx.example": "mx.example:587", "smtps://mx.example": "mx.example:465", "smtp://mx.example:2525/": "mx.example:2525", "smtp://localhost": "localhost:25",
		"smtp://[::1]:1025": "::1:1025", "smtp://u:p%40@mx.example:587": "mx.example:587", "smtp://mx.example:25?tls=none": "mx.example:25", "smtp://u:p@127.0.0.1?tls=none": "127.0.0.1:25",
		"smtp://127.0.0.1?tls=starttls": "127.0.0.1:25",
	} {
		s, err := mail.ParseServer(text)
		if err != nil || s.String() != want || fmt.Sprintf("%v %+v %#v", s, s, s) != want+" "+want+" "+want {
			t.Errorf("%s: %s, %v", text, s, err)
		}
	}
	for _, text := range []string{
		"", "mx.example", "mx.example:587", "http://mx.example", "smtp://", "smtp://:587", "smtp://mx.example:0", "smtp://mx.example:65536", "smtp://mx.example:x", "smtp://mx.example/inbox", "smtp://mx.example#x",
		"smtp://u@mx.example", "smtp://:s3cret@mx.example", "smtp://u:s3cret@mx.example?tls=none", "smtp://u:s3cret@mx.example?tls=off", "smtps://u:s3cret@mx.example?tls=none", "smtps://mx.example?tls=starttls",
		"smtp://mx.example?tls=none&tls=none", "smtp:u:s3cret@mx.example", "smtp://u:s3cret%zz@mx.example", "smtp://u:s3cret/@mx.example", "smtp://mx.example\r\nRCPT",
	} {
		if s, err := mail.ParseServer(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %s, %v", text, s, err)
		}
	}
}
