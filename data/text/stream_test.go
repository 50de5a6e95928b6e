package text

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
)

// collect reads up to limit batches.
func collect(t *testing.T, s *Stream, limit int) (batches []data.Batch) {
	t.Helper()
	for len(batches) < limit {
		var b data.Batch
		err := s.Next(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Check(Vocab); err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	return batches
}

func newStream(t *testing.T, c Config) *Stream {
	t.Helper()
	s, err := NewStream(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// show writes tokens as text, End as a bar.
func show(tokens []int32) string {
	var out strings.Builder
	for _, token := range tokens {
		if token == End {
			out.WriteByte('|')
		} else {
			out.WriteByte(byte(token))
		}
	}
	return out.String()
}

func TestWindows(t *testing.T) {
	files := filesOf("a.txt", "abcdef", "b.txt", "xyz", "c.txt", "123456789")
	for _, test := range []struct {
		name   string
		config Config
		want   []string // inputs>targets of each sequence
	}{
		{"each document by itself", Config{Corpus: corpusOf(t, files), Tokens: 4, Epochs: 1},
			[]string{"|abc>abcd", "def>ef|", "|xyz>xyz|", "|123>1234", "4567>5678", "89>9|"}},
		{"crossing", Config{Corpus: corpusOf(t, files), Tokens: 4, Epochs: 1, Cross: true},
			[]string{"|abc>abcd", "def|>ef|x", "xyz|>yz|1", "1234>2345", "5678>6789", "9>|"}},
		{"window as long as a document", Config{Corpus: corpusOf(t, files), Tokens: 7, Epochs: 1, Cross: true},
			[]string{"|abcdef>abcdef|", "|xyz|12>xyz|123", "3456789>456789|"}},
		{"stateful", Config{Corpus: corpusOf(t, files), Tokens: 4, Epochs: 1, Batch: 2, Stateful: true},
			[]string{"|abc>abcd", "|xyz>xyz|", "def>ef|", "|123>1234", "4567>5678", "89>9|"}},
	} {
		var got []string
		for _, b := range collect(t, newStream(t, test.config), 100) {
			for i := range b.Lengths {
				tokens, targets := b.Sequence(i)
				got = append(got, show(tokens)+">"+show(targets))
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestStatefulSequencesFollow joins the sequences by their Follows, which must give back the documents.
func TestStatefulSequencesFollow(t *testing.T) {
	files, want := manyFiles(13)
	s := newStream(t, Config{Corpus: corpusOf(t, files), Tokens: 16, Batch: 4, Stateful: true, Epochs: 1})
	var got []string
	var open []string // text so far of each sequence of the batch before
	for _, b := range collect(t, s, 1000) {
		now := make([]string, b.Sequences())
		for i, place := range b.Follows {
			if place >= 0 {
				now[i] = open[place]
			}
			_, targets := b.Sequence(i)
			if now[i] += show(targets); strings.HasSuffix(now[i], "|") {
				got = append(got, strings.TrimSuffix(now[i], "|"))
			}
		}
		open = now
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// manyFiles has documents of many lengths, in files of all kinds.
func manyFiles(n int) (files Files, documents []string) {
	r := data.NewRandom(11, 0)
	var pairs []string
	for i := range n {
		letters := make([]byte, 1+r.IntN(90))
		for j := range letters {
			letters[j] = byte('a' + r.IntN(26))
		}
		document := string(letters)
		switch i % 4 {
		case 0:
			pairs = append(pairs, fmt.Sprintf("%02d.txt", i), document)
			documents = append(documents, document)
		case 1:
			pairs = append(pairs, fmt.Sprintf("%02d.txt.gz", i), packed(document))
			documents = append(documents, document)
		default:
			half := len(document) / 2
			lines := fmt.Sprintf("{\"text\":%q}\n{\"text\":%q}\n", document[:half+1], document[half:])
			name := fmt.Sprintf("%02d.jsonl", i)
			if i%4 == 3 {
				name, lines = name+".gz", packed(lines)
			}
			pairs = append(pairs, name, lines)
			documents = append(documents, document[:half+1]+"\n", document[half:]+"\n")
		}
	}
	return filesOf(pairs...), documents
}

func TestShuffledEpochHoldsEveryByteOnce(t *testing.T) {
	files, documents := manyFiles(13)
	counts := func(texts []string) (c [Vocab]int) {
		for _, text := range texts {
			for i := range len(text) {
				c[text[i]]++
			}
			c[End]++
		}
		return c
	}
	s := newStream(t, Config{Corpus: corpusOf(t, files), Tokens: 16, Batch: 3, Shuffle: 10, Seed: 5, Epochs: 2})
	var got [Vocab]int
	for _, b := range collect(t, s, 10000) {
		for _, target := range b.Targets {
			got[target]++
		}
	}
	if want := counts(append(documents, documents...)); got != want {
		t.Errorf("two epochs have other targets than the documents twice")
	}
}

func TestHoldOutPartsTheDocuments(t *testing.T) {
	files, documents := manyFiles(40)
	var got []string
	sizes := map[bool]int{}
	for _, held := range []bool{false, true} {
		s := newStream(t, Config{Corpus: corpusOf(t, files), Tokens: 1000, HoldOut: 5, HeldOut: held, Epochs: 1, Shuffle: 3})
		for _, b := range collect(t, s, 1000) {
			got = append(got, strings.TrimSuffix(show(b.Targets), "|"))
			sizes[held]++
		}
	}
	slices.Sort(got)
	slices.Sort(documents)
	if diff := cmp.Diff(documents, got); diff != "" {
		t.Errorf("both parts together (-want +got):\n%s", diff)
	}
	if sizes[true] < 4 || sizes[true] > 25 {
		t.Errorf("%d of %d documents are held out, want about a fifth", sizes[true], len(documents))
	}
}

func digest(b *data.Batch) string {
	sum := sha256.Sum256(fmt.Append(nil, b.Tokens, b.Lengths, b.Targets, b.Follows))
	return hex.EncodeToString(sum[:])
}

// TestResume takes the state before every batch of two epochs and more, and goes on from it in a new stream.
func TestResume(t *testing.T) {
	files, _ := manyFiles(9)
	corpus := corpusOf(t, files)
	for name, c := range map[string]Config{
		"in order":           {Corpus: corpus, Tokens: 16, Batch: 2},
		"crossing":           {Corpus: corpus, Tokens: 16, Batch: 2, Cross: true},
		"stateful":           {Corpus: corpus, Tokens: 8, Batch: 3, Stateful: true, HoldOut: 4},
		"shuffled":           {Corpus: corpus, Tokens: 16, Batch: 3, Shuffle: 7, Seed: 2},
		"shuffled, crossing": {Corpus: corpus, Tokens: 16, Batch: 1, Shuffle: 4, Cross: true, Epochs: 3},
	} {
		whole := newStream(t, c)
		var states [][]byte
		var sums []string
		for whole.Epoch() < 2 {
			states = append(states, whole.State())
			for _, b := range collect(t, whole, 1) {
				sums = append(sums, digest(&b))
			}
		}
		for at, state := range states {
			s := newStream(t, c)
			if at%2 == 1 {
				collect(t, s, 3) // restoring must not depend on where the stream is
			}
			if err := s.Restore(state); err != nil {
				t.Fatalf("%s: batch %d: %v", name, at, err)
			}
			if string(s.State()) != string(state) {
				t.Fatalf("%s: batch %d: the state is another after Restore", name, at)
			}
			for i, b := range collect(t, s, min(4, len(sums)-at)) {
				if digest(&b) != sums[at+i] {
					t.Fatalf("%s: resumed at batch %d, batch %d differs", name, at, at+i)
				}
			}
		}
	}
}

func TestRestoreRefusesOtherStreams(t *testing.T) {
	files, _ := manyFiles(5)
	c := Config{Corpus: corpusOf(t, files), Tokens: 5, Shuffle: 4}
	s := newStream(t, c)
	collect(t, s, 2)
	saved := s.State()
	other := c
	other.Tokens = 6
	fewer := c
	fewer.Corpus = corpusOf(t, Files{FS: files.FS, Names: files.Names[:4]})
	for want, s := range map[string]*Stream{
		"5 tokens": newStream(t, other), "text: the run began with documents of the digest": newStream(t, fewer),
	} {
		if err := s.Restore(saved); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
	for !strings.Contains(string(s.State()), `"open":true`) {
		collect(t, s, 1)
	}
	before := string(s.State())
	for name, damaged := range map[string]string{
		"not JSON": "{", "another kind": `{"kind":"loader"}`,
		"no rows":     strings.Replace(before, `"rows":[{`, `"rows_":[{`, 1),
		"file 99":     strings.Replace(before, `"cursor":{"file":`, `"cursor":{"file":99`, 1),
		"byte 999":    strings.Replace(before, `"read":`, `"read":999`, 1),
		"no random":   strings.Replace(before, `"random":"`, `"random_":"`, 1),
		"odd windows": strings.Replace(before, `"buffer":"`, `"buffer":"AAAA`, 1),
	} {
		if err := s.Restore([]byte(damaged)); err == nil {
			t.Errorf("%s: a damaged state was taken", name)
		}
		if string(s.State()) != before {
			t.Fatalf("%s: a refused state moved the stream", name)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	corpus := corpusOf(t, filesOf("a.txt", "abc"))
	for want, c := range map[string]Config{
		"no corpus": {Tokens: 4}, "at least 1": {Corpus: corpus}, "negative": {Corpus: corpus, Tokens: 4, Shuffle: -1},
		"every document": {Corpus: corpus, Tokens: 4, HoldOut: 1}, "HoldOut": {Corpus: corpus, Tokens: 4, HeldOut: true},
		"shuffled": {Corpus: corpus, Tokens: 4, Stateful: true, Shuffle: 3},
	} {
		if _, err := NewStream(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want an error that says %q", c, err, want)
		}
	}
	s := newStream(t, Config{Corpus: corpus, Tokens: 4, HoldOut: 2, HeldOut: true})
	other := newStream(t, Config{Corpus: corpus, Tokens: 4, HoldOut: 2})
	var b data.Batch
	if err, otherErr := s.Next(&b), other.Next(&b); (err == nil) == (otherErr == nil) {
		t.Errorf("of one document both parts give %v and %v; one should have none", err, otherErr)
	}
}

// FuzzRestore holds that no saved position makes a stream panic.
func FuzzRestore(f *testing.F) {
	files, _ := manyFiles(5)
	corpus := corpusOf(f, files)
	for _, c := range []Config{{Corpus: corpus, Tokens: 8, Shuffle: 3}, {Corpus: corpus, Tokens: 8, Batch: 2, Stateful: true}} {
		s, err := NewStream(c)
		if err != nil {
			f.Fatal(err)
		}
		var b data.Batch
		for range 3 {
			if err := s.Next(&b); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(s.State(), c.Stateful)
	}
	f.Fuzz(func(t *testing.T, saved []byte, stateful bool) {
		c := Config{Corpus: corpus, Tokens: 8, Shuffle: 3}
		if stateful {
			c = Config{Corpus: corpus, Tokens: 8, Batch: 2, Stateful: true}
		}
		s, err := NewStream(c)
		if err != nil {
			t.Fatal(err)
		}
		if s.Restore(saved) != nil {
			return
		}
		var b data.Batch
		if err := s.Next(&b); err == nil {
			if err := b.Check(Vocab); err != nil {
				t.Error(err)
			}
		}
	})
}
