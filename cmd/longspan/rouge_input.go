package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/document/sentences"
)

// pairFlags say where references and the summaries of systems come from.
type pairFlags struct {
	referenceField, candidateField string
	lines, split                   bool
}

func (p *pairFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.referenceField, "reference-field", "summary", "field of JSON that is the reference: a text or an array of sentences")
	f.StringVar(&p.candidateField, "candidate-field", "summary", "field of JSON that is the summary of a system")
	f.BoolVar(&p.lines, "lines", false, "each line of a text file is a text")
	f.BoolVar(&p.split, "split", false, "split texts into sentences first, for ROUGE-Lsum")
}

// summaryText is a text with its name, and with what it is matched by.
type summaryText struct{ name, id, text string }

// read reads the texts that the arguments name, matched: element i of each set belongs to element i of the others.
func (p *pairFlags) read(names []string) (sets [][]summaryText, notes []string, err error) {
	for k, name := range names {
		field := p.candidateField
		if k == 0 {
			field = p.referenceField
		}
		set, err := p.readSet(name, field)
		if err != nil {
			return nil, nil, err
		}
		if len(set) == 0 {
			return nil, nil, fmt.Errorf("%s: found no texts", name)
		}
		if k > 0 {
			if set, err = match(sets[0], set, names[0], name); err != nil {
				return nil, nil, err
			}
		}
		sets = append(sets, set)
	}
	for k, set := range sets {
		lines, hidden := false, false // texts of two lines; texts of two sentences on one line
		for i := range set {
			if p.split {
				set[i].text = splitLines(set[i].text)
			}
			lines = lines || strings.Contains(strings.TrimSpace(set[i].text), "\n")
			hidden = hidden || len(sentences.Split(set[i].text, sentences.Options{})) > 1
		}
		if hidden && !lines {
			notes = append(notes, fmt.Sprintf("no text of %s has two lines, so that rougeLsum takes each for one sentence; put each sentence on "+
				"a line of its own, or add --split", names[k]))
		}
	}
	return sets, notes, nil
}

// readSet reads a file or a folder.
func (p *pairFlags) readSet(name, field string) ([]summaryText, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readTexts(name)
	}
	text, err := readUTF8(name)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson", ".json":
		return readObjects(name, text, field)
	}
	if !p.lines {
		return []summaryText{{name: name, text: text}}, nil
	}
	var set []summaryText
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		set = append(set, summaryText{name: fmt.Sprintf("%s:%d", name, len(set)+1), text: line})
	}
	return set, nil
}

// readTexts reads the files below a folder, matched by their paths in it.
func readTexts(folder string) (set []summaryText, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		text, err := readUTF8(path)
		if err != nil {
			return err
		}
		id, err := filepath.Rel(folder, path)
		set = append(set, summaryText{path, strings.TrimSuffix(filepath.ToSlash(id), filepath.Ext(id)), text})
		return err
	})
	return set, err
}

func readUTF8(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) {
		return "", fmt.Errorf("%s is not UTF-8, expected text; convert it, such as with iconv", path)
	}
	return string(text), nil
}

// match puts a set in the order of the references: by their ids, or as they are where no text of either has one.
func match(references, set []summaryText, referencesName, name string) ([]summaryText, error) {
	ids := func(s []summaryText) bool {
		return !slices.ContainsFunc(s, func(t summaryText) bool { return t.id == "" })
	}
	if !ids(references) || !ids(set) {
		if len(references) != len(set) {
			return nil, fmt.Errorf("found %d texts in %s and %d in %s, expected as many", len(references), referencesName, len(set), name)
		}
		return set, nil
	}
	byID := map[string]summaryText{}
	for _, t := range set {
		if other, twice := byID[t.id]; twice {
			return nil, fmt.Errorf("%s and %s have the same id %s", other.name, t.name, t.id)
		}
		byID[t.id] = t
	}
	var matched []summaryText
	for _, r := range references {
		t, ok := byID[r.id]
		if !ok {
			return nil, fmt.Errorf("found no text for %s (%s) in %s", r.name, r.id, name)
		}
		matched = append(matched, t)
		delete(byID, r.id)
	}
	for _, t := range byID {
		return nil, fmt.Errorf("found %d texts in %s without a reference in %s, such as %s", len(byID), name, referencesName, t.name)
	}
	return matched, nil
}

// splitLines puts each sentence on a line.
func splitLines(text string) string {
	var lines []string
	for _, s := range sentences.Split(text, sentences.Options{}) {
		lines = append(lines, strings.Join(strings.Fields(text[s.From:s.To]), " "))
	}
	return strings.Join(lines, "\n")
}
