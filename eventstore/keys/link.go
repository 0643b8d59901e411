package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Link makes of an id what a link carries that leads to whoever has it: the id and its keyed hash. It is made anew whenever it is needed, so that
// neither the log nor a backup of it holds what opens anything.
func (m *Master) Link(id string) string { return id + "." + m.linkHash(id) }

// OpenLink answers the id that Link made a link of; ok is false for all else.
func (m *Master) OpenLink(link string) (id string, ok bool) {
	id, hash, formed := SplitToken(link)
	if !formed || !hmac.Equal([]byte(hash), []byte(m.linkHash(id))) {
		return "", false
	}
	return id, true
}

func (m *Master) linkHash(id string) string {
	mac := hmac.New(sha256.New, m.links)
	mac.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
