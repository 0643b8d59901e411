package main

import (
	"cmp"
	"flag"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests say that they prove into the pages that show it")

// page is a CONFORMANCE.md: what of a standard or a contract is done, and what proves it.
type page struct {
	folder   string
	states   []string
	sections map[string]string // those that must have a row, by the standard that they are of
}

var pages = []page{
	{"handlers/scim", []string{"done", "refused"}, map[string]string{
		"RFC 7643": "§2.1 §2.2 §2.3 §2.4 §2.5 §3 §3.1 §3.2 §3.3 §4.1 §4.1.1 §4.1.2 §4.2 §4.3 §5 §6 §7",
		"RFC 7644": "§2 §3.1 §3.2 §3.3 §3.4.1 §3.4.2.1 §3.4.2.2 §3.4.2.3 §3.4.2.4 §3.4.2.5 §3.4.3 §3.5.1 §3.5.2 §3.5.2.1 §3.5.2.2 §3.5.2.3 §3.6 §3.7 §3.7.1 §3.7.2 §3.7.3 §3.7.4 §3.8 §3.9 §3.10 §3.11 §3.12 §3.13 §3.14 §4 §5",
	}},
	{"handlers/api", []string{"kept", "otherwise"}, nil},
}

// TestConformancePages holds each page against the tests. A test, a fuzz target, a golden conversation or a story says in its comment what it proves, by
// lines such as
//
//	Proves RFC 7644 §3.5.2, §3.5.2.1, RFC 9865.
//
// and the page's last column is made of these lines (-rewrite). A section without a row, a row that nothing proves and a proof of what has no
// row are errors, so a page can neither leave out nor claim.
func TestConformancePages(t *testing.T) {
	all := proofs(t)
	rows := map[string]bool{}
	for _, p := range pages {
		p.hold(t, all, rows)
	}
	for _, proof := range all {
		for _, claim := range proof.claims {
			if !rows[claim] {
				t.Errorf("%s of %s proves %s, which has no row", proof.name, proof.folder, claim)
			}
		}
	}
}

// hold checks a page's rows, makes their last column, and adds what they claim to rows.
func (p page) hold(t *testing.T, all []proof, rows map[string]bool) {
	t.Helper()
	file := "../../" + p.folder + "/CONFORMANCE.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	standard := "" // that the sections below are of
	for i, line := range lines {
		if title, is := strings.CutPrefix(line, "## "); is {
			standard, _, _ = strings.Cut(title, ":")
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| section |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 {
			t.Errorf("%s: a row has four cells: %s", p.folder, line)
			continue
		}
		claim := strings.TrimPrefix(cells[0], "| ")
		if strings.HasPrefix(claim, "§") {
			claim = standard + " " + claim
		}
		if rows[claim] {
			t.Errorf("%s: %s has two rows", p.folder, claim)
		}
		rows[claim] = true
		if !slices.Contains(p.states, cells[2]) {
			t.Errorf("%s: %s is %q", p.folder, claim, cells[2])
		}
		by := p.provers(all, claim)
		if len(by) == 0 {
			t.Errorf("%s: nothing proves %s", p.folder, claim)
		}
		cells[3] = strings.Join(by, ", ") + " |"
		lines[i] = strings.Join(cells, " | ")
	}
	for standard, list := range p.sections {
		for section := range strings.FieldsSeq(list) {
			if !rows[standard+" "+section] {
				t.Errorf("%s: %s %s has no row", p.folder, standard, section)
			}
		}
	}
	if made := strings.Join(lines, "\n"); made != string(text) {
		if !*rewrite {
			t.Errorf("%s/CONFORMANCE.md is not what the tests say; -rewrite writes it", p.folder)
		} else if err := os.WriteFile(file, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// provers are the names of what proves a claim, those of the page's own folder first, and its tests before its conversations.
func (p page) provers(all []proof, claim string) (names []string) {
	rank := map[string]int{}
	for _, proof := range all {
		if !slices.Contains(proof.claims, claim) {
			continue
		}
		name := proof.name
		if proof.folder != p.folder {
			name = path.Base(proof.folder) + ":" + name
			rank[name] = 2
		} else if strings.HasSuffix(name, ".txt") {
			rank[name] = 1
		}
		names = append(names, name)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
	return names
}

// proof is a test, a fuzz target, a conversation or a story, and what a line of its claims to prove.
type proof struct {
	folder, name string
	claims       []string
}

var (
	claiming     = regexp.MustCompile(`(?m)^(?://|#) Proves `)
	claimingLine = regexp.MustCompile(`(?m)^(?://|#) Proves (.*)\.$`)
	claimingTest = regexp.MustCompile(`(?m)^((?:// Proves .*\.\n)+)func ((?:Test|Fuzz)\w+)\(`)
)

// proofs are all that there are.
func proofs(t *testing.T) (all []proof) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		folder, text, isText := strings.Cut(file, "/testdata/")
		isText = isText && strings.HasSuffix(file, ".txt")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && file != ".":
			return fs.SkipDir
		case entry.IsDir() || !isText && !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		read := 0
		add := func(folder, name string, comment []byte) {
			for _, m := range claimingLine.FindAllSubmatch(comment, -1) {
				read++
				all = append(all, proof{folder, name, claims(string(m[1]))})
			}
		}
		if isText {
			add(folder, "testdata/"+text, source)
		} else {
			for _, m := range claimingTest.FindAllSubmatch(source, -1) {
				add(path.Dir(file), string(m[2]), m[1])
			}
		}
		if n := len(claiming.FindAll(source, -1)); n != read {
			t.Errorf("%s: of %d lines that say what is proved %d are read: such a line ends with a full stop and is the last before a test", file, n, read)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// claims reads a list of claims; a section without a standard is of the last one named.
func claims(list string) (out []string) {
	standard := ""
	for claim := range strings.SplitSeq(list, ", ") {
		if before, section, is := strings.Cut(claim, " §"); is {
			standard, claim = before, "§"+section
		}
		if strings.HasPrefix(claim, "§") {
			claim = standard + " " + claim
		}
		out = append(out, claim)
	}
	return out
}
