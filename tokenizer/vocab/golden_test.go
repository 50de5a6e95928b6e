package vocab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/tokenizer/vocab"
)

const goldenDir = "testdata/golden"

var update = flag.Bool("update", false, "write the tokenizer files of testdata/golden; run gen.py after it")

// readers are texts as documents.
func readers(texts ...string) iter.Seq2[io.Reader, error] {
	return func(yield func(io.Reader, error) bool) {
		for _, t := range texts {
			if !yield(strings.NewReader(t), nil) {
				return
			}
		}
	}
}

// samples are the documents of package sample.
func samples(t testing.TB) (texts []string) {
	t.Helper()
	r := text.NewReader(sample.Files(), sample.Fields()...)
	for {
		d, err := r.Next()
		if err == io.EOF {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(d)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
}

func nasty(t testing.TB) (texts []string) {
	t.Helper()
	read(t, "nasty.json", &texts)
	return texts
}

func read(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(goldenDir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// learn counts and trains.
func learn(t testing.TB, c vocab.Config, texts ...string) (*vocab.Vocabulary, *vocab.Counts) {
	t.Helper()
	counts, err := vocab.Count(context.Background(), readers(texts...), c)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Train(context.Background(), counts, c)
	if err != nil {
		t.Fatal(err)
	}
	return v, counts
}

// written is the tokenizer.json of a vocabulary.
func written(t testing.TB, v *vocab.Vocabulary) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := v.WriteTokenizer(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// learned is what the library learns from the same documents.
type learned struct {
	BPE []struct {
		Documents    string
		Size, Tokens int
		Least        int64
		Lower        bool
		Specials     []string
		Merges       []string
	}
	Unigram struct {
		Size        int
		NatsPerByte float64
	}
}

// The merges of BPE are those of the library's trainer, in the same order.
func TestBPELearnsTheMergesOfTheLibrary(t *testing.T) {
	var g learned
	read(t, "learned.json", &g)
	for i, want := range g.BPE {
		c := vocab.Config{Kind: vocab.BPE, Size: want.Size, MinCount: want.Least, LowerCase: want.Lower}
		for _, s := range want.Specials {
			c.Specials = append(c.Specials, vocab.Special{Token: s})
		}
		texts := nasty(t)
		if want.Documents == "sample" {
			texts = samples(t)
		}
		v, _ := learn(t, c, texts...)
		var f struct{ Model struct{ Merges [][2]string } }
		if err := json.Unmarshal(written(t, v), &f); err != nil {
			t.Fatal(err)
		}
		merges := []string{}
		for _, m := range f.Model.Merges {
			merges = append(merges, m[0]+" "+m[1])
		}
		if diff := cmp.Diff(want.Merges, merges); diff != "" || len(v.Tokens()) != want.Tokens {
			t.Errorf("%d: %d tokens, the library has %d; merges (-library +ours):\n%s", i, len(v.Tokens()), want.Tokens, diff)
		}
	}
}

// On documents that were not learned from, Unigram is as likely as that of the library's trainer, to 1 %.
func TestUnigramIsAsLikelyAsTheLibrarys(t *testing.T) {
	var g learned
	read(t, "learned.json", &g)
	const documents = 20 // to learn from, as in gen.py
	texts := samples(t)
	c := vocab.Config{Kind: vocab.Unigram, Size: g.Unigram.Size}
	v, _ := learn(t, c, texts[:documents]...)
	held, err := vocab.Count(context.Background(), readers(texts[documents:]...), c)
	if err != nil {
		t.Fatal(err)
	}
	m := v.Measure(held)
	if got, want := m.Nats/float64(m.Bytes), g.Unigram.NatsPerByte; got > 1.01*want {
		t.Errorf("%.4f nats a byte, the library has %.4f", got, want)
	} else {
		t.Logf("%.4f nats a byte, the library has %.4f", got, want)
	}
}

// files are the configurations of the committed files.
func files() map[string]vocab.Config {
	specials := func(texts ...string) (all []vocab.Special) {
		for _, text := range texts {
			all = append(all, vocab.ParseSpecial(text))
		}
		return all
	}
	return map[string]vocab.Config{
		"bpe":         {Kind: vocab.BPE, Size: 400, Specials: specials("eos=<|end|>")},
		"bpe_decoder": {Kind: vocab.BPE, Size: 400, Specials: specials("bos=<s>", "eos=</s>", "<tool>"), Template: vocab.Decoder},
		"bpe_lower":   {Kind: vocab.BPE, Size: 400, LowerCase: true},
		"unigram":     {Kind: vocab.Unigram, Size: 400},
		"unigram_encoder": {Kind: vocab.Unigram, Size: 600, Alphabet: 60, ByteFallback: true, Template: vocab.Encoder,
			Specials: specials("pad=[PAD]", "unk=[UNK]", "cls=[CLS]", "sep=[SEP]", "mask=[MASK]")},
		"unigram_nfc": {Kind: vocab.Unigram, Size: 300, Normalizer: vocab.NFC, MaxPiece: 4, LowerCase: true},
	}
}

// Training writes the files that the library has read, byte for byte.
func TestGoldenFiles(t *testing.T) {
	for name, c := range files() {
		v, _ := learn(t, c, slices.Concat(nasty(t), samples(t)[:1])...)
		var config bytes.Buffer
		if err := v.WriteConfig(&config); err != nil {
			t.Fatal(err)
		}
		for file, b := range map[string][]byte{".tokenizer.json": written(t, v), ".tokenizer_config.json": config.Bytes()} {
			path := filepath.Join(goldenDir, name+file)
			if *update {
				if err := os.WriteFile(path, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(b)); diff != "" {
				t.Errorf("%s differs (-file +learned); run the test with -update, and gen.py:\n%s", path, diff)
			}
		}
	}
}
