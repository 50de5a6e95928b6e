package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// scoreReport is the output of `score`.
type scoreReport struct {
	Model   string      `json:"model"`
	Texts   []textScore `json:"texts"`
	Total   scoreValues `json:"total"`
	Seconds float64     `json:"seconds"` // of this run
	Notes   []string    `json:"notes,omitempty"`
}

// textScore is the score of one text.
type textScore struct {
	Name string `json:"name"`
	scoreValues
	Windows int    `json:"windows"`
	Window  int    `json:"window,omitempty"`
	Stride  int    `json:"stride,omitempty"`
	How     string `json:"how"`
}

// scoreValues are the probability of texts, and what follows from it.
type scoreValues struct {
	Tokens         int     `json:"tokens"` // all of them are read
	Scored         int     `json:"scored"` // tokens that something predicts
	Bytes          int     `json:"bytes"`  // of those
	LogProbability float64 `json:"log_probability"`
	Nats           float64 `json:"nats_per_token"`
	Perplexity     float64 `json:"perplexity"`
	Bits           float64 `json:"bits_per_byte"`
}

// values fills what follows from the sums.
func (v *scoreValues) values(nats float64) {
	v.LogProbability = -nats
	if v.Scored > 0 {
		v.Nats = nats / float64(v.Scored)
		v.Perplexity = min(math.Exp(v.Nats), math.MaxFloat64) // JSON has no infinity
	}
	if v.Bytes > 0 {
		v.Bits = nats / math.Ln2 / float64(v.Bytes)
	}
}

// scoreOptions are the flags of `score`.
type scoreOptions struct {
	inputFlags
	modelFlags
	mechanismFlags
	rankFlags
	context, stride int
	state           string
	tokens          bool
}

func newScore(o *output) *cobra.Command {
	var s scoreOptions
	c := &cobra.Command{
		Use:   "score MODEL [FILE…]",
		Short: "Measure the probability of texts of any length under a language model",
		Long: `Measure how well a decoder predicts texts: the log-probability, nats a token, perplexity and bits a byte. A file is one text;
of JSON lines (.jsonl, .ndjson) each line is one. Without files the text is --text, or standard input.

  longspan score SmolLM2-135M-Instruct.Q4_1.gguf /usr/share/common-licenses/GPL-3
  longspan score model.gguf book.txt --context 4096 --stride 2048 --state book.state
  longspan score model.gguf book.txt --tokens > losses.jsonl

A text is read as one sequence, token after token, by steps of 4,096; memory holds the keys and values that later tokens may see.
With --context, and by a model with learned positions, a longer text is read in windows that overlap, and memory is bounded by those.
Short texts are computed together.

With --state the command goes on where it stopped, with the same bits as if it had not: a text that is one sequence is then read again up
to there, without the losses, and windows that are done are not read again.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := s.run(o, args)
			if err != nil {
				return err
			}
			if s.tokens {
				return o.line(r)
			}
			return o.print(r, r.write)
		},
	}
	f := c.Flags()
	s.inputFlags.add(c)
	f.IntVar(&s.context, "context", 0, "most tokens that the model reads at a time (default: all, or the learned positions)")
	f.IntVar(&s.stride, "stride", 0, "tokens from one window to the next (default: half of a window)")
	f.StringVar(&s.state, "state", "", "file that keeps how far the score is, from which the command goes on")
	f.BoolVar(&s.tokens, "tokens", false, "print a line of JSON for each token, with its bytes and its nats, and the result as the last line")
	s.mechanismFlags.add(c)
	s.modelFlags.add(c)
	s.addPrecision(c)
	s.wrap(o, c)
	return c
}

// run scores the texts.
func (s *scoreOptions) run(o *output, args []string) (r scoreReport, err error) {
	began := time.Now()
	if err := s.checkInput(s.inputFlags, args[1:]); err != nil {
		return r, usage(err)
	}
	if s.state != "" && s.engine.Size() > 1 {
		return r, usage(errors.New("found --state and several ranks, expected one of them: each rank would write the file"))
	}
	m, path, err := openModel(o, args[0], s.modelFlags, s.mechanismFlags)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	texts, err := s.read(o, m.Tokenizer(), args[1:])
	if err != nil {
		return r, usage(err)
	}
	if err := sameInput(s.engine, m, texts); err != nil {
		return r, err
	}
	job := scoreJob{options: s, output: o, model: m, texts: texts}
	if err := job.prepare(); err != nil {
		return r, err
	}
	ctx, end := untilStopped()
	defer end()
	r = scoreReport{Model: path}
	err = job.run(ctx, &r)
	if ctx.Err() != nil {
		return r, job.interrupted()
	}
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// scoreJob is the work of `score`.
type scoreJob struct {
	options *scoreOptions
	output  *output
	model   *model.Model
	texts   []input
	read    []model.ScoreText
	session *model.Session
	state   *scoreFile // nil: none
	tokens  int        // of all texts
	alone   bool       // each text is computed by itself
	notes   []string
	bar     *progress
}

// prepare reads the tokens, opens the state, and refuses what does not fit the memory.
func (j *scoreJob) prepare() error {
	longest := 1
	for _, t := range j.texts {
		read, err := j.model.ReadScored(t.text)
		if err != nil {
			return usage(fmt.Errorf("%s: %w", t.name, err))
		}
		if err := j.model.CheckScore(read, j.windows()); err != nil {
			return usage(fmt.Errorf("%s: %w", t.name, err))
		}
		j.read = append(j.read, read)
		j.tokens += len(read.IDs)
		longest = max(longest, len(read.Before)+len(read.IDs))
	}
	for _, limit := range []int{j.options.context, j.model.Spec().MaxTokens()} {
		if limit > 0 {
			longest = min(longest, limit)
		}
	}
	need, err := plan.Scoring(*j.model.Spec(), longest, j.options.threads)
	if err != nil {
		return usage(err)
	}
	if err := fits(need.Bytes, j.options.memory, fmt.Sprintf("a sequence of %d tokens", longest), "use --context, such as 4096"); err != nil {
		return err
	}
	j.notes = beyond(j.model, longest)
	if need, err = j.planTogether(need); err != nil {
		return err
	}
	j.session = j.model.NewSessionOver(tensor.Exec{Threads: j.options.threads, Pool: reservedPool(need.Bytes)}, j.options.engine)
	if j.options.state != "" {
		j.state, err = openScoreFile(j.options.state, j.identity())
	}
	return err
}

// run scores the texts that the state does not have, and the rest of the one that it stopped in.
func (j *scoreJob) run(ctx context.Context, r *scoreReport) error {
	j.bar = j.output.progress("tokens")
	defer j.bar.finish()
	nats := 0.0
	for len(r.Texts) < len(j.read) {
		scores, err := j.next(ctx, len(r.Texts), r.Total.Tokens)
		if err != nil {
			return err
		}
		for _, score := range scores {
			s := textScore{Name: j.texts[len(r.Texts)].name, Windows: score.Windows, Window: score.Window, Stride: score.Stride, How: score.How,
				scoreValues: scoreValues{Tokens: score.Tokens, Scored: score.Scored, Bytes: score.Bytes}}
			s.values(score.Nats)
			r.Texts = append(r.Texts, s)
			r.Total.Tokens, r.Total.Scored, r.Total.Bytes = r.Total.Tokens+s.Tokens, r.Total.Scored+s.Scored, r.Total.Bytes+s.Bytes
			nats += score.Nats
		}
	}
	r.Total.values(nats)
	r.Notes = j.notes
	return nil
}

// windows are the options of each text.
func (j *scoreJob) windows() model.ScoreOptions {
	return model.ScoreOptions{Context: j.options.context, Stride: j.options.stride}
}

// text scores text i; done is the number of tokens of the texts before it.
func (j *scoreJob) text(ctx context.Context, i, done int) (model.Score, error) {
	o := j.windows()
	if j.state != nil {
		o.From = j.state.from(i)
	}
	o.Saved = func(s model.ScoreState) error {
		j.bar.step(done+s.Tokens, j.tokens)
		if j.state == nil {
			return nil
		}
		return j.state.save(i, s)
	}
	if j.options.tokens {
		o.Losses = func(from int, losses []float32) error { return j.lines(i, from, losses) }
	}
	return j.session.Score(ctx, j.read[i], o)
}

// tokenLine is a token in the output of --tokens.
type tokenLine struct {
	Name  string   `json:"name"`
	Token int32    `json:"token"`
	Text  string   `json:"text"`
	From  int32    `json:"from"` // bytes of the text
	To    int32    `json:"to"`
	Nats  *float32 `json:"nats"` // null: nothing predicts the token
}

// lines prints the losses of tokens of text i.
func (j *scoreJob) lines(i, from int, losses []float32) error {
	t := &j.read[i]
	for k := range losses {
		at := from + k
		line := tokenLine{Name: j.texts[i].name, Token: t.IDs[at], Text: t.Text[t.Offsets[at].From:t.Offsets[at].To],
			From: t.Offsets[at].From, To: t.Offsets[at].To, Nats: &losses[k]}
		if at == 0 && len(t.Before) == 0 {
			line.Nats = nil
		}
		if err := j.output.line(line); err != nil {
			return err
		}
	}
	return nil
}

// interrupted is the error of a score that was stopped.
func (j *scoreJob) interrupted() error {
	if j.state == nil {
		return fmt.Errorf("%w; with --state the score would go on from here", errInterrupted)
	}
	return fmt.Errorf("%w; the same command goes on from %s", errInterrupted, j.options.state)
}

func (r scoreReport) write(w io.Writer) {
	for _, t := range r.Texts {
		fmt.Fprintf(w, "%s: %s\n  read %s\n", t.Name, t.scoreValues, t.How)
	}
	if len(r.Texts) > 1 {
		fmt.Fprintf(w, "total: %s\n", r.Total)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.1f s, %.0f tokens a second\n", r.Seconds, float64(r.Total.Tokens)/r.Seconds)
}

func (v scoreValues) String() string {
	return fmt.Sprintf("%.5f nats a token, perplexity %.5g, %.5f bits a byte, log-probability %.6g; %d of %d tokens scored, %d bytes",
		v.Nats, v.Perplexity, v.Bits, v.LogProbability, v.Scored, v.Tokens, v.Bytes)
}
