package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxEmail is how long an address may be (RFC 5321 §4.5.3.1.3, without the brackets).
const maxEmail = 254

// CheckEmail refuses in a field what cannot be the address of one mailbox: none, one with a name, a list, or anything that would end a mail's header.
func CheckEmail(field, text string) error {
	local, host, found := strings.Cut(text, "@")
	switch {
	case text == "":
		return RefuseField(field, "is required")
	case !found || local == "" || len(local) > 64 || host == "" || len(text) > maxEmail || !utf8.ValidString(text),
		strings.ContainsFunc(text, notInEmail), strings.Contains(host, "@"),
		strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, ".."):
		return RefuseField(field, "is not an e-mail address, as ada@example.com")
	}
	return nil
}

// notInEmail are characters that an address would have to quote, which nobody's does, and those that cannot be seen.
func notInEmail(r rune) bool {
	return unseen(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()[]\,;:"`, r)
}
