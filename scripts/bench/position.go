package main

import (
	"fmt"
	"io"
	"net/http"
)

// position is how many events a server's read model has seen, which /readyz tells. In an embedded log positions have no gaps.
func position(url string) (int, error) {
	answer, err := http.Get(url + "/readyz")
	if err != nil {
		return 0, fmt.Errorf("ask how many events there are: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return 0, fmt.Errorf("ask how many events there are: %w", err)
	}
	var n int
	if _, err := fmt.Sscanf(string(text), "readmodel at position %d", &n); err != nil {
		return 0, fmt.Errorf("ask how many events there are: %q: %w", text, err)
	}
	return n, nil
}
