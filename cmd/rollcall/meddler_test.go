package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// request is one kind of request: its method, and what its URL and its body hold.
type request struct{ method, url, body string }

// meddling is what happens to a request on its way; pass passes it on.
type meddling func(w http.ResponseWriter, body string, pass func(w http.ResponseWriter, body string))

// newMeddler stands before a server and meddles with the first request of a kind. All others pass.
func newMeddler(t *testing.T, target string, with request, does meddling) *httptest.Server {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var caught atomic.Bool
	meddler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		pass := func(w http.ResponseWriter, body string) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			proxy.ServeHTTP(w, r)
		}
		is := r.Method == with.method && strings.Contains(r.URL.RequestURI(), with.url) && strings.Contains(string(text), with.body)
		if is && caught.CompareAndSwap(false, true) {
			does(w, string(text), pass)
			return
		}
		pass(w, string(text))
	}))
	t.Cleanup(func() {
		meddler.Close()
		if !caught.Load() {
			t.Errorf("no request was %+v", with)
		}
	})
	return meddler
}

// answers is a server that answers, and does nothing.
func answers(status int, body string) meddling {
	return func(w http.ResponseWriter, _ string, _ func(http.ResponseWriter, string)) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// alters is a server that takes something else than was sent.
func alters(from, to string) meddling {
	return func(w http.ResponseWriter, body string, pass func(http.ResponseWriter, string)) {
		pass(w, strings.Replace(body, from, to, 1))
	}
}

// breaks breaks the connection before the request is passed on.
func breaks(http.ResponseWriter, string, func(http.ResponseWriter, string)) {
	panic(http.ErrAbortHandler)
}

// twice lists the first resource of a page again.
func twice(w http.ResponseWriter, body string, pass func(http.ResponseWriter, string)) {
	answer := httptest.NewRecorder()
	pass(answer, body)
	var page map[string]any
	_ = json.Unmarshal(answer.Body.Bytes(), &page)
	if list, _ := page["Resources"].([]any); len(list) > 0 {
		page["Resources"] = append(list, list[0])
	}
	_ = json.NewEncoder(w).Encode(page)
}
