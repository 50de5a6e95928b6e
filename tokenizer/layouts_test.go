package tokenizer_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/tokenizer"
)

// answer is what the library makes of a text: ids, offsets, and a checksum of documents, pairs and decoded texts. It is empty for a text
// that the library refuses.
type answer struct {
	ids     []int32
	offsets []int32 // of each token the distance to the one before, and its size
	rest    string
}

func (a *answer) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &[]any{&a.ids, &a.offsets, &a.rest})
}

// layoutFile is a tokenizer.json with the library's answers.
type layoutFile struct {
	Name, File string
	Texts      []answer
	Long       []string // checksums of the ids and offsets of long texts
}

// archive is layouts.json.gz or folders.json.gz.
type archive struct {
	Shared  []string // texts in the place of @0@, @1@ …
	Texts   []string
	Files   []layoutFile
	Pieces  []pieces
	Folders []struct {
		Name   string
		Files  map[string]string
		Roles  []int32
		Length float64
		Chat   string
		Texts  []answer
	}
}

// pieces are the tokens that SentencePiece itself gives a word.
type pieces struct {
	word   string
	tokens []string
}

func (p *pieces) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &[]any{&p.word, &p.tokens}) }

func openArchive(t testing.TB, name string) (a archive) {
	t.Helper()
	f, err := os.Open(filepath.Join(goldenDir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// fill puts the shared texts into a file.
func (a archive) fill(file string) string {
	for i, text := range a.Shared {
		file = strings.ReplaceAll(file, fmt.Sprintf("@%d@", i), text)
	}
	return file
}

// checksum is that of gen.py.
func checksum(parts ...any) string {
	var text []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			text = append(text, p)
		case []int32:
			numbers := make([]string, len(p))
			for i, n := range p {
				numbers[i] = strconv.Itoa(int(n))
			}
			text = append(text, strings.Join(numbers, ","))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(text, "|")))
	return fmt.Sprintf("%x", sum[:4])
}

func flat(offsets []tokenizer.Span) (all []int32) {
	for _, s := range offsets {
		all = append(all, s.From, s.To)
	}
	return all
}

// numbers are the types of an encoding, and 1 for its special tokens.
func numbers(e tokenizer.Encoding) (types, special []int32) {
	types, special = make([]int32, len(e.IDs)), make([]int32, len(e.IDs))
	copy(types, e.TypeIDs)
	for i, yes := range e.Special {
		if yes {
			special[i] = 1
		}
	}
	return types, special
}

// agrees compares a tokenizer with the library on one text, and on a pair.
func agrees(t *testing.T, tok *tokenizer.Tokenizer, text, second string, want answer) {
	t.Helper()
	plain, err := tok.Encode(text)
	if want.ids == nil {
		return // the library refuses the text, or panics
	}
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	var offsets []int32
	last := int32(0)
	for _, s := range plain.Offsets {
		offsets = append(offsets, s.From-last, s.To-s.From)
		last = s.From
	}
	if !slices.Equal(plain.IDs, want.ids) || !slices.Equal(offsets, want.offsets) {
		t.Errorf("%q (-library +package):\n%s%s", text, cmp.Diff(want.ids, plain.IDs), cmp.Diff(want.offsets, offsets))
		return
	}
	document, err1 := tok.EncodeDocument(text)
	both, err2 := tok.EncodePair(text, second)
	if err1 != nil || err2 != nil {
		t.Errorf("%q: %v, %v", text, err1, err2)
		return
	}
	types, special := numbers(document)
	bothTypes, bothSpecial := numbers(both)
	got := checksum(document.IDs, flat(document.Offsets), types, special, tok.Decode(document.IDs), tok.DecodeWithSpecials(document.IDs),
		both.IDs, bothTypes, bothSpecial)
	if got != want.rest {
		t.Errorf("%q: the document %v at %v, the pair %v of types %v, or %q differ from the library's; see testdata/differ",
			text, document.IDs, document.Offsets, both.IDs, bothTypes, tok.DecodeWithSpecials(document.IDs))
	}
}

// long are texts of ten thousand to a hundred thousand bytes, most without a place to cut them.
var long = []string{strings.Repeat("abcdefghij", 10_000), strings.Repeat("日本語", 3_000), strings.Repeat(" ", 100_000),
	strings.Repeat("e\u0301", 3_000), strings.Repeat("a1. \n", 3_000)}

// Every component, in the layouts of real tokenizers, gives the ids, offsets, documents, pairs and decoded texts of the library.
func TestLayouts(t *testing.T) {
	a := openArchive(t, "layouts.json.gz")
	if len(a.Files) < 35 || len(a.Texts) < 300 {
		t.Fatalf("%d files and %d texts", len(a.Files), len(a.Texts))
	}
	for _, f := range a.Files {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			tok, err := tokenizer.Read(strings.NewReader(a.fill(f.File)))
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range a.Texts {
				agrees(t, tok, text, a.Texts[len(a.Texts)-1-i], f.Texts[i])
			}
			for i, text := range long {
				e, err := tok.EncodeDocument(text)
				if err != nil {
					t.Fatal(err)
				}
				if got := checksum(e.IDs, flat(e.Offsets)); got != f.Long[i] {
					t.Errorf("a long text of %.10q has %d tokens that differ", text, len(e.IDs))
				}
			}
		})
	}
}

// A file that is written again means the same.
func TestSaveLayouts(t *testing.T) {
	a := openArchive(t, "layouts.json.gz")
	for _, f := range a.Files {
		tok, err := tokenizer.Read(strings.NewReader(a.fill(f.File)))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := tok.Save(&b); err != nil {
			t.Fatal(err)
		}
		back, err := tokenizer.Read(strings.NewReader(b.String()))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		for i, text := range a.Texts[:40] {
			agrees(t, back, text, a.Texts[len(a.Texts)-1-i], f.Texts[i])
		}
	}
}

// A folder opens as AutoTokenizer opens it: roles, length, template, and the components that the configuration changes.
func TestFolders(t *testing.T) {
	a := openArchive(t, "folders.json.gz")
	if len(a.Folders) < 20 || len(a.Texts) < 100 {
		t.Fatalf("%d folders and %d texts", len(a.Folders), len(a.Texts))
	}
	for _, f := range a.Folders {
		t.Run(f.Name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range f.Files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(a.fill(text)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			folder, err := tokenizer.OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			r := folder.Roles
			if got := []int32{r.Begin, r.End, r.Unknown, r.Separator, r.Pad, r.Class, r.Mask}; !slices.Equal(got, f.Roles) {
				t.Errorf("the roles are %v, want %v", got, f.Roles)
			}
			if folder.MaxLength != int(f.Length) || folder.ChatTemplates["default"] != f.Chat {
				t.Errorf("the length is %d and the template %q, want %v and %q", folder.MaxLength, folder.ChatTemplates, f.Length, f.Chat)
			}
			for i, text := range a.Texts {
				agrees(t, folder.Tokenizer, text, a.Texts[len(a.Texts)-1-i], f.Texts[i])
			}
		})
	}
}

// With SentencePiece's own normalizer the tokens are those of SentencePiece, for decomposed text too, where the library's differ.
func TestSentencePieceNormalizer(t *testing.T) {
	a := openArchive(t, "layouts.json.gz")
	i := slices.IndexFunc(a.Files, func(f layoutFile) bool { return f.Name == "xlmr" })
	library, err := tokenizer.Read(strings.NewReader(a.fill(a.Files[i].File)))
	if err != nil {
		t.Fatal(err)
	}
	own, err := library.WithSentencePieceNormalizer()
	if err != nil {
		t.Fatal(err)
	}
	names := func(tok *tokenizer.Tokenizer, word string) (all []string) {
		e, err := tok.Encode(word)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range e.IDs {
			all = append(all, tok.Token(id))
		}
		return all
	}
	differ := 0
	for _, p := range a.Pieces {
		if got := names(own, p.word); !slices.Equal(got, p.tokens) {
			t.Errorf("%+q has the tokens %q, want %q", p.word, got, p.tokens)
		}
		if !slices.Equal(names(library, p.word), p.tokens) {
			differ++
		}
	}
	if len(a.Pieces) < 80 || differ == 0 {
		t.Errorf("%d of %d words differ in the library; want some", differ, len(a.Pieces))
	}
}
