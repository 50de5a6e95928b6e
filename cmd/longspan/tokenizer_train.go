package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/tokenizer/vocab"
)

// tokenizerTraining is the flags of `tokenizer train`.
type tokenizerTraining struct {
	config                              vocab.Config
	kind, template, normalizer, dropout string
	specials, fields                    []string
	out, memory                         string
}

func newTokenizerTrain(o *output) *cobra.Command {
	var t tokenizerTraining
	c := &cobra.Command{
		Use:   "train FILE…",
		Short: "Learn a vocabulary from text: byte-level BPE or Unigram",
		Long: `Learn the vocabulary of a tokenizer from files, folders or standard input (-), as streams: text as one document a file, JSON lines
(.jsonl, .ndjson) as one a line, plain or gzip. Standard input is text, or JSON lines where --fields is given.

The folder --out gets tokenizer.json, and tokenizer_config.json with the roles of the special tokens. Hugging Face's tokenizers and
transformers open them. The same text and flags give the same files, with any number of threads.

  longspan tokenizer train books/ --out tok --vocab 32000 --special 'bos=<s>' --special 'eos=</s>' --template decoder
  longspan tokenizer train docs.jsonl --fields title,body --out tok --kind unigram --vocab 8000 --special 'pad=<pad>'`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			report, err := t.run(o, args, c.Flags().Changed("fields"))
			if err != nil {
				return err
			}
			return o.print(report, report.write)
		},
	}
	t.add(c)
	return c
}

func (t *tokenizerTraining) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.out, "out", "", "folder for the files")
	f.StringVar(&t.kind, "kind", string(vocab.BPE), "bpe (byte-level) or unigram")
	f.IntVar(&t.config.Size, "vocab", 32000, "tokens of the vocabulary, special tokens included")
	f.StringArrayVar(&t.specials, "special", nil,
		"a special token, such as <|tool|>, or with a role: bos=, eos=, unk=, pad=, cls=, sep= or mask=; may be given again")
	f.StringVar(&t.template, "template", string(vocab.Plain), "what goes around a document: none, encoder (cls … sep) or decoder (bos …)")
	f.Int64Var(&t.config.MinCount, "min-count", 2, "smallest count of what becomes a token")
	f.StringVar(&t.dropout, "dropout", "none", "bpe: the share of merges that encoding skips at random, 0 to 1")
	f.IntVar(&t.config.Alphabet, "limit-alphabet", 0, "unigram: the most frequent characters to keep (default: all)")
	f.IntVar(&t.config.MaxPiece, "max-piece", 0, "unigram: characters of the longest token (default: 16)")
	f.BoolVar(&t.config.ByteFallback, "byte-fallback", false, "unigram: tokens of bytes for the characters that are not in the vocabulary")
	f.StringVar(&t.normalizer, "normalizer", "", "unigram: normal form of the text: nfkc, nfc or none (default: nfkc)")
	f.BoolVar(&t.config.LowerCase, "lower-case", false, "write the text in lower case before it is cut; the tokenizer does so too")
	f.StringSliceVar(&t.fields, "fields", []string{"text"}, "fields of JSON lines that are the text")
	f.IntVar(&t.config.HoldOut, "hold-out", 100, "one in this many blocks of text is measured and not learned from; 0: none")
	f.Uint64Var(&t.config.Seed, "seed", 1, "seed of the blocks that are held out")
	f.IntVar(&t.config.Threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	addMaxMemory(c, &t.memory, "the available memory")
}

// complete checks the flags, and makes a configuration of them.
func (t *tokenizerTraining) complete() (err error) {
	c := &t.config
	c.Kind, c.Template, c.Normalizer = vocab.Kind(t.kind), vocab.Template(t.template), vocab.Normalization(t.normalizer)
	for _, s := range t.specials {
		c.Specials = append(c.Specials, vocab.ParseSpecial(s))
	}
	if t.dropout != "none" {
		if c.Dropout, err = strconv.ParseFloat(t.dropout, 64); err != nil {
			return fmt.Errorf("found --dropout %s, expected none or a number from 0 to 1", t.dropout)
		}
	}
	if t.out == "" {
		return errors.New("give --out, the folder for tokenizer.json")
	}
	for _, name := range []string{filename.Tokenizer, filename.TokenizerConfig} {
		if path := filepath.Join(t.out, name); exists(path) {
			return fmt.Errorf("found %s; name another folder by --out, or remove the file", path)
		}
	}
	return c.Check()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (t *tokenizerTraining) run(o *output, paths []string, fields bool) (r *vocabularyReport, err error) {
	if err := t.complete(); err != nil {
		return nil, usage(err)
	}
	if t.config.Memory, err = budget(t.memory); err != nil {
		return nil, err
	}
	in, err := openCorpus(paths, t.fields, fields)
	if err != nil {
		return nil, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	begin := time.Now()
	p := &trainingProgress{o: o, corpus: in}
	defer p.finish()
	t.config.Progress = p.step
	counts, err := vocab.Count(ctx, in.documents, t.config)
	if err != nil {
		return nil, in.explain(err)
	}
	v, err := vocab.Train(ctx, counts, t.config)
	if err != nil {
		return nil, mistake(err)
	}
	p.finish()
	r = newVocabularyReport(t, in, counts, v)
	r.Seconds = time.Since(begin).Seconds()
	return r, t.save(v)
}

// save writes the two files.
func (t *tokenizerTraining) save(v *vocab.Vocabulary) error {
	if err := os.MkdirAll(t.out, 0o755); err != nil {
		return err
	}
	return errors.Join(
		durable.Write(filepath.Join(t.out, filename.Tokenizer), v.WriteTokenizer),
		durable.Write(filepath.Join(t.out, filename.TokenizerConfig), v.WriteConfig),
	)
}

// vocabularyReport is the output of `tokenizer train`.
type vocabularyReport struct {
	Kind      string        `json:"kind"`
	Vocab     int           `json:"vocab"`
	Documents int           `json:"documents"`
	Bytes     int64         `json:"bytes"`
	Learned   int64         `json:"learned_bytes"` // without those that were held out
	Words     int           `json:"words"`         // different ones
	Measure   vocab.Measure `json:"measure"`
	PerToken  float64       `json:"bytes_per_token"` // of the measured text; a tokenizer of bytes has 1
	Seconds   float64       `json:"seconds"`
	Longest   []string      `json:"longest"`
	Notes     []string      `json:"notes,omitempty"`
	Out       string        `json:"out"`
}

func newVocabularyReport(t *tokenizerTraining, in *corpus, counts *vocab.Counts, v *vocab.Vocabulary) *vocabularyReport {
	m, held := v.Measure(counts), counts.HeldOut()
	notes := append(in.allNotes(), v.Notes()...)
	if held > counts.Bytes/10 {
		notes = append(notes, fmt.Sprintf("%d of %d bytes were held out to measure the tokens, since there are few blocks of text; "+
			"--hold-out 0 learns from all", held, counts.Bytes))
	}
	return &vocabularyReport{
		Kind: t.kind, Vocab: len(v.Tokens()), Documents: counts.Documents, Bytes: counts.Bytes, Learned: counts.Bytes - held,
		Words: counts.Words(), Measure: m, PerToken: m.BytesPerToken(), Longest: v.Longest(10), Notes: notes, Out: t.out,
	}
}

func (r *vocabularyReport) write(w io.Writer) {
	fmt.Fprintf(w, "learned   %d tokens by %s from %d bytes (documents: %d, different words: %d)\n",
		r.Vocab, r.Kind, r.Learned, r.Documents, r.Words)
	what := "the text that was learned from"
	if r.Measure.HeldOut {
		what = "text that was held out"
	}
	fmt.Fprintf(w, "measured  %d bytes, %d tokens: %.2f bytes a token, %.2f tokens a byte (%s)\n",
		r.Measure.Bytes, r.Measure.Tokens, r.PerToken, 1/r.PerToken, what)
	if r.Measure.Unknown > 0 {
		fmt.Fprintf(w, "unknown   %d characters of the measured text\n", r.Measure.Unknown)
	}
	fmt.Fprintf(w, "took      %.1f s\n", r.Seconds)
	fmt.Fprintf(w, "longest   %s\n", quoted(r.Longest))
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note      %s\n", note)
	}
	fmt.Fprintf(w, "wrote     %s\n", strings.Join([]string{filepath.Join(r.Out, filename.Tokenizer),
		filepath.Join(r.Out, filename.TokenizerConfig)}, ", "))
}
