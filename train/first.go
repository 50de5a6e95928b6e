package train

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// beginWith fills the weights of job from a run's folder or a file, and returns notes for the user.
func beginWith(path string, job Job) (notes []string, err error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		var damaged []Damaged
		path, damaged, err = Find(path, "")
		for _, d := range damaged {
			notes = append(notes, fmt.Sprintf("%s is damaged (%v); it is not used", d.Path, d.Err))
		}
	} else if err == nil {
		err = verifyModel(path)
	}
	if err != nil {
		return nil, err
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("weights of %s: %w", path, err)
		}
	}()
	meta, _, err := metaOf(f)
	if err != nil {
		return nil, err
	}
	b := beginning{f: f, params: job.Model.Params(), own: job.Meta.Task, theirs: meta.Task}
	if err := b.fill(); err != nil {
		return nil, err
	}
	if name := notFinite(b.params); name != "" {
		return nil, fmt.Errorf("the weights %q are not finite; start from others", name)
	}
	return append(notes, fmt.Sprintf("started from the weights of %s%s", path, b.skipped())), nil
}

// beginning copies the weights of a file into a model.
type beginning struct {
	f           *safetensors.File
	params      []*tensor.Param
	own, theirs Task     // theirs has no name if the file does not record its task
	drawn, left []string // weights that stay as drawn, and weights of the file that are ignored
}

// fill copies the weights of the body, which must all fit. It copies those of the head if the task is the same and all of them fit.
func (b *beginning) fill() error {
	keep := b.keepsHead()
	known := map[string]bool{}
	for _, p := range b.params {
		saved, base := savedName(b.f, p.Name)
		known[base] = true
		var err error
		switch {
		case b.own.isHead(p.Name) && !keep:
			b.drawn = append(b.drawn, p.Name)
		case p.Name == b.own.Table && b.theirs.Name != "" && b.own.Rows == b.theirs.Rows:
			err = b.fillTable(p)
		default:
			err = b.f.ReadMat(p.Value, saved)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range b.f.Entries() {
		switch {
		case known[e.Name] || strings.Contains(e.Name, "/"):
		case b.own.isHead(e.Name):
			b.left = append(b.left, e.Name)
		default:
			return fmt.Errorf("it has the weights %q, which the model does not have: it is another model", e.Name)
		}
	}
	return nil
}

// keepsHead reports whether the whole head can be copied. A part of a head is of no use.
func (b *beginning) keepsHead() bool {
	if b.theirs.Name != "" && b.theirs.Name != b.own.Name {
		return false
	}
	for _, p := range b.params {
		if !b.own.isHead(p.Name) {
			continue
		}
		e, ok := b.f.Lookup(p.Name)
		if rows, cols := e.Matrix(); !ok || rows != p.Value.Rows || cols != p.Value.Cols {
			return false
		}
	}
	return true
}

// fillTable copies the rows that serve any task. Further rows of the file are ignored, and further rows of p stay as drawn.
func (b *beginning) fillTable(p *tensor.Param) error {
	name, _ := savedName(b.f, p.Name)
	e, ok := b.f.Lookup(name)
	rows, cols := e.Matrix()
	if !ok || rows == p.Value.Rows || cols != p.Value.Cols || min(rows, p.Value.Rows) != b.own.Rows {
		return b.f.ReadMat(p.Value, name)
	}
	whole := tensor.New(tensor.F32, rows, cols)
	if err := b.f.ReadMat(whole, name); err != nil {
		return err
	}
	for i := range b.own.Rows {
		copy(p.Value.Row(i), whole.Row(i))
	}
	if rows < p.Value.Rows {
		b.drawn = append(b.drawn, fmt.Sprintf("%s from row %d on", p.Name, rows))
	} else {
		b.left = append(b.left, fmt.Sprintf("%s from row %d on", p.Name, b.own.Rows))
	}
	return nil
}

// skipped lists what was not copied, for a note.
func (b *beginning) skipped() (text string) {
	if len(b.drawn) > 0 {
		text += "; re-initialised for another task: " + strings.Join(b.drawn, ", ")
	}
	if len(b.left) > 0 {
		text += "; ignored, of the earlier task: " + strings.Join(b.left, ", ")
	}
	return text
}
