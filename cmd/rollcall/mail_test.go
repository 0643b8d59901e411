package main

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/cookiejar"
	netmail "net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailbox is a mail server that hands on what it takes.
type mailbox chan string

// startMailbox runs one until the test ends, and answers the flags of a server that sends by it.
func startMailbox(t *testing.T) (box mailbox, flags []string) {
	t.Helper()
	box = make(mailbox, 100)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close(); <-served })
	return box, []string{"--smtp-url", "smtp://" + listener.Addr().String(), "--mail-from", "Rollcall <no-reply@rollcall.example>"}
}

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return mailboxSession{m}, nil }

type mailboxSession struct{ mailbox }

func (mailboxSession) Reset()                               {}
func (mailboxSession) Logout() error                        { return nil }
func (mailboxSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailboxSession) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (s mailboxSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mailbox <- string(text)
	return err
}

// take is the next mail.
func (m mailbox) take(t *testing.T) *netmail.Message {
	t.Helper()
	select {
	case text := <-m:
		mail, err := netmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return mail
	case <-time.After(2 * time.Minute):
		t.Fatal("no mail comes")
	}
	return nil
}

// next is the link in the next mail, which goes to an address.
func (m mailbox) next(t *testing.T, to string) *url.URL {
	t.Helper()
	mail := m.take(t)
	if got := mail.Header.Get("To"); got != "<"+to+">" {
		t.Fatalf("a mail to %s, not to %s", got, to)
	}
	return linkIn(t, mail)
}

func linkIn(t *testing.T, mail *netmail.Message) *url.URL {
	t.Helper()
	_, params, err := mime.ParseMediaType(mail.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(mail.Body, params["boundary"]).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(strings.TrimSpace(regexp.MustCompile(`(?m)^http.*$`).FindString(string(plain))))
	if err != nil || link.Host == "" {
		t.Fatalf("no link in %s: %v", plain, err)
	}
	return link
}

// TestInvitation: an administrator gets a mail, follows its link in a browser, and enters what it shows at the identity provider; after a restart with a
// read model made anew nobody gets that mail again.
//
// Proves SSO §create.send_email.mail, §invite-admin.mail.
func TestInvitation(t *testing.T) {
	box, flags := startMailbox(t)
	v := &victim{t: t, dir: t.TempDir(), args: flags, env: []string{"ROLLCALL_LOG_LEVEL=info"}}
	v.start()
	c := client{victim: v, token: storyKey}
	ask := func(status int, method, path, body string) map[string]any {
		t.Helper()
		got, text := c.send(method, path, body)
		if got != status {
			t.Fatalf("%s %s = %d %s", method, path, got, text)
		}
		var answer map[string]any
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ask(201, "POST", "/api/v2/org", `{"name":"Acme"}`)
	ask(201, "POST", "/api/v2/org/acme/directory-sync?provider=okta", "")
	ask(200, "POST", "/api/v2/org/acme/directory-sync/invite-admin", `{"it_admin_email":"it@acme.test"}`)
	link := box.next(t, "it@acme.test")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	press := func(method, at string) string {
		t.Helper()
		r, err := http.NewRequest(method, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		page, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("%s %s = %d %s, %v", method, at, a.StatusCode, page, err)
		}
		return string(page)
	}
	press("GET", link.String())
	setup := press("POST", link.String())
	base := regexp.MustCompile(`id="base" readonly value="([^"]+)"`).FindStringSubmatch(setup)
	form := regexp.MustCompile(`action="(token[^"]+)"`).FindStringSubmatch(setup)
	if form == nil {
		t.Fatalf("the page has no form for a token: %s", setup)
	}
	token := regexp.MustCompile(`id="token" readonly value="([^"]+)"`).FindStringSubmatch(press("POST", link.Scheme+"://"+link.Host+"/onboarding/setup/"+form[1]))
	if base == nil || token == nil {
		t.Fatalf("the page shows %v and %v", base, token)
	}
	at, err := url.Parse(base[1])
	if err != nil {
		t.Fatal(err)
	}
	if status, text := (client{victim: v, token: token[1]}).send("POST", at.Path+"/Users", `{"userName":"ada@acme.test"}`); status != 201 {
		t.Fatalf("the provider is answered %d %s", status, text)
	}

	v.stop()
	if log := v.p.log(); strings.Contains(log, "it@acme.test") || strings.Contains(log, strings.TrimPrefix(link.Path, "/onboarding/")) || strings.Contains(log, token[1]) || !strings.Contains(log, "outcome=sent") {
		t.Errorf("the log says %s", log)
	}
	models, err := filepath.Glob(filepath.Join(v.dir, "rollcall-data", "readmodel-*"))
	if err != nil || len(models) == 0 {
		t.Fatalf("read models %v, %v", models, err)
	}
	for _, file := range models {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	v.start()
	defer v.stop()
	connection := ask(201, "POST", "/api/v2/sso-connections", `{"organization_id":"acme","sso_admin_email":"sso@acme.test","send_email":true}`)
	idp := fmt.Sprint(connection["idp_id"])
	if connection["state"] != "it_admin_invitation_in_pending" {
		t.Errorf("before the mail went the connection is %v", connection["state"])
	}
	box.next(t, "sso@acme.test") // and none before it
	if len(box) > 0 {
		t.Errorf("%d more mails", len(box))
	}
	if !strings.HasPrefix(idp, "acme_") {
		t.Errorf("the connection is %s", idp)
	}
	for ask(200, "GET", "/api/v2/sso-connections/"+idp, "")["state"] != "it_admin_invited" { // which it is once the log has that the mail went
		time.Sleep(20 * time.Millisecond) // between two looks: a key has a pace
	}
	mails := ask(200, "GET", "/api/v2/mails", "")
	if n := mails["total"]; n != 2.0 {
		t.Errorf("%v mails are listed", n)
	}
}
