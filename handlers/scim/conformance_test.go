package scim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sections are those of the standards that CONFORMANCE.md must have a row for.
var sections = map[string]string{
	"RFC 7643": "§2.1 §2.2 §2.3 §2.4 §2.5 §3 §3.1 §3.2 §3.3 §4.1 §4.1.1 §4.1.2 §4.2 §4.3 §5 §6 §7",
	"RFC 7644": "§2 §3.1 §3.2 §3.3 §3.4.1 §3.4.2.1 §3.4.2.2 §3.4.2.3 §3.4.2.4 §3.4.2.5 §3.4.3 §3.5.1 §3.5.2 §3.5.2.1 §3.5.2.2 §3.5.2.3 §3.6 §3.7 §3.7.1 §3.7.2 §3.7.3 §3.7.4 §3.8 §3.9 §3.10 §3.11 §3.12 §3.13 §3.14 §4 §5",
}

// TestConformancePage holds CONFORMANCE.md against the tests. A test, a fuzz target or a golden conversation says in its comment what it proves, by
// a line such as
//
//	Proves RFC 7644 §3.5.2, §3.5.2.1, RFC 9865.
//
// and the page's last column is made of these lines (-rewrite). A section without a row, a row that nothing proves and a proof of what has no
// row are errors, so the page can neither leave out nor claim.
func TestConformancePage(t *testing.T) {
	text, err := os.ReadFile("CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	proofs := proofsByClaim(t)
	rows := map[string]bool{}
	lines := strings.Split(string(text), "\n")
	rfc := ""
	for i, line := range lines {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			rfc = regexp.MustCompile(`^RFC \d+ |^`).FindString(strings.Replace(title, ":", " ", 1))
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || cells[0] == "| section" || cells[0] == "| ---" {
			continue
		}
		claim := rfc + strings.TrimPrefix(cells[0], "| ")
		rows[claim] = true
		if state := cells[2]; state != "done" && state != "refused" {
			t.Errorf("%s is %q", claim, state)
		}
		if len(proofs[claim]) == 0 {
			t.Errorf("nothing proves %s", claim)
		}
		cells[3] = strings.Join(proofs[claim], ", ") + " |"
		lines[i] = strings.Join(cells, " | ")
	}
	for rfc, list := range sections {
		for section := range strings.FieldsSeq(list) {
			if !rows[rfc+" "+section] {
				t.Errorf("%s %s has no row", rfc, section)
			}
		}
	}
	for claim, by := range proofs {
		if !rows[claim] {
			t.Errorf("%s prove %s, which has no row", by, claim)
		}
	}
	if made := strings.Join(lines, "\n"); made != string(text) {
		if !*rewrite {
			t.Fatalf("CONFORMANCE.md is not what the tests say; -rewrite writes it:\n%s", firstDifference(string(text), made))
		}
		if err := os.WriteFile("CONFORMANCE.md", []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// proofsByClaim are the names of what proves each claim, those of this folder first.
func proofsByClaim(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, of := range []struct{ prefix, files string }{
		{"", "*_test.go"}, {"", "testdata/*/*.txt"}, {"domain:", "../../domain/*_test.go"}, {"projections:", "../../projections/*_test.go"}, {"command:", "../command/*_test.go"},
	} {
		files, err := filepath.Glob(of.files)
		if err != nil || len(files) == 0 {
			t.Fatalf("no proofs in %s: %v", of.files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range proofsIn(file, string(source)) {
				for _, claim := range p.claims {
					out[claim] = append(out[claim], of.prefix+p.name)
				}
			}
		}
	}
	for _, by := range out {
		slices.SortStableFunc(by, func(a, b string) int { return strings.Count(a, ":") - strings.Count(b, ":") })
	}
	return out
}

var (
	claimingTest         = regexp.MustCompile(`(?m)^// Proves (.*)\.\nfunc ((?:Test|Fuzz)\w+)\(`)
	claimingConversation = regexp.MustCompile(`(?m)^# Proves (.*)\.$`)
)

// proof is a test, a fuzz target or a conversation, and what it claims to prove.
type proof struct {
	name   string
	claims []string
}

func proofsIn(file, source string) (out []proof) {
	if strings.HasSuffix(file, ".txt") {
		if m := claimingConversation.FindStringSubmatch(source); m != nil {
			out = append(out, proof{file, claims(m[1])})
		}
		return out
	}
	for _, m := range claimingTest.FindAllStringSubmatch(source, -1) {
		out = append(out, proof{m[2], claims(m[1])})
	}
	return out
}

// claims reads a list of claims; a section without a standard is of the last one named.
func claims(list string) (out []string) {
	rfc := ""
	for claim := range strings.SplitSeq(list, ", ") {
		if standard, section, is := strings.Cut(claim, " §"); is {
			rfc, claim = standard, "§"+section
		}
		if strings.HasPrefix(claim, "§") {
			claim = fmt.Sprintf("%s %s", rfc, claim)
		}
		out = append(out, claim)
	}
	return out
}
