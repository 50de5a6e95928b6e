package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/longspan/longspan/data/bgzip"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/resume"
	"github.com/longspan/longspan/model"
)

// growing is an output that takes long, packed by bgzip where its name ends in .gz. Its work goes on after a stop.
type growing struct {
	file    *resume.File
	packed  *bgzip.Writer // nil: plain
	silent  bool          // what is written is in the file already
	resumed bool
	saved   time.Time
}

// saveEvery is the least time between two states on the disk. What was done since the last is done again after a stop.
var saveEvery = 5 * time.Second

// grow begins an output, or with again goes on with one that was stopped and decodes its progress.
func grow(o *output, path string, facts []resume.Fact, again bool, progress any) (g *growing, err error) {
	g = &growing{saved: time.Now()}
	if again {
		g.file, err = resume.Open(path, facts, progress)
		g.resumed = err == nil
	}
	if _, old := os.Stat(resume.State(path)); !again && old == nil {
		fmt.Fprintf(o.err, "%s is left of a run that was stopped: this run begins anew; --resume would go on\n", resume.State(path))
	}
	if !again || errors.Is(err, fs.ErrNotExist) {
		g.file, err = resume.Create(path, facts)
	}
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".gz") {
		g.packed = bgzip.NewWriter(g.file)
	}
	return g, nil
}

// checkGrowing checks that an output can grow, and that none of its files is one that is read. Inputs may be "-".
func checkGrowing(out string, inputs ...string) error {
	for _, path := range []string{out, resume.Partial(out), resume.State(out)} {
		if err := checkFile("--out "+out, path, inputs...); err != nil {
			return err
		}
	}
	return nil
}

func (g *growing) Write(p []byte) (int, error) {
	switch {
	case g.silent:
		return len(p), nil
	case g.packed != nil:
		return g.packed.Write(p)
	}
	return g.file.Write(p)
}

// head writes the beginning of the output by write and flush, unless the file has it.
func (g *growing) head(write, flush func() error) error {
	g.silent = g.resumed
	err := errors.Join(write(), flush())
	g.silent = false
	return err
}

// save ends a block, and saves the progress where the last time is some seconds ago. The places of calls must not depend on time.
func (g *growing) save(progress any) error {
	if g.packed != nil {
		if err := g.packed.Flush(); err != nil {
			return err
		}
	}
	if time.Since(g.saved) < saveEvery {
		return nil
	}
	g.saved = time.Now()
	return g.file.Save(progress)
}

// end gives a file that is whole its name. After a stop it keeps the part that can be gone on with; after another error it removes all.
func (g *growing) end(err error, stopped bool) error {
	switch {
	case err != nil && stopped:
		return errors.Join(err, g.file.Keep())
	case err != nil:
		return errors.Join(err, g.file.Drop())
	}
	if g.packed != nil {
		if err := g.packed.Close(); err != nil {
			return errors.Join(err, g.file.Drop())
		}
	}
	return g.file.Finish()
}

// scoreFacts are the options that scores depend on.
func scoreFacts(o score.Options) []resume.Fact {
	return []resume.Fact{{What: "--by", Value: string(o.By)}, {What: "--strand", Value: string(o.Strand)},
		{What: "--window", Value: strconv.Itoa(o.Window)}}
}

// outputFacts are what the output of a model depends on, with the files that were read.
func outputFacts(m *model.Model, files map[string]string, more ...resume.Fact) ([]resume.Fact, error) {
	facts := append([]resume.Fact{{What: "version of longspan", Value: version()},
		{What: "level of the processor", Value: kernel.Level().String()}, {What: "model", Value: hashModel(m)}}, more...)
	for what, path := range files {
		sum, err := hashFile(path)
		if err != nil {
			return nil, err
		}
		facts = append(facts, resume.Fact{What: what, Value: sum})
	}
	return facts, nil
}

// hashFile is the SHA-256 of a file: a second for two gigabytes.
func hashFile(path string) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// interrupted is the error of a stop, with what to do. path is the output.
func interrupted(path string) error {
	if _, err := os.Stat(resume.State(path)); err != nil {
		return errInterrupted
	}
	return fmt.Errorf("%w; the same command with --resume goes on", errInterrupted)
}
