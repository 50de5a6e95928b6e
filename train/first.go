package train

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Task tells which weights a run's task has beside those of the body, which serve any task: a run that begins with the weights of a run
// of another task has a new head on the trained body.
type Task struct {
	Name  string // runs whose tasks have one name share their heads
	Head  string // what the names of the head's weights begin with
	Table string // a weight whose first Rows rows are the body's; the task may have added some
	Rows  int
}

// isHead says whether a weight is the head's. A task without a head has none.
func (t Task) isHead(name string) bool { return t.Head != "" && strings.HasPrefix(name, t.Head) }

// beginWith fills the weights of job from a run's folder or from a file, and returns what the user should know of it.
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
	b := beginning{f: f, params: job.Model.Params()}
	if job.Task != nil {
		b.own, _ = job.Task(job.Text)
		b.theirs, b.known = job.Task([]byte(f.Metadata()[ConfigKey]))
	}
	if err := b.fill(); err != nil {
		return nil, err
	}
	if name := notFinite(b.params); name != "" {
		return nil, fmt.Errorf("the weights %q are not finite; begin with others", name)
	}
	return append(notes, fmt.Sprintf("begun with the weights of %s%s", path, b.told())), nil
}

// beginning is the weights of a file on their way into a model.
type beginning struct {
	f           *safetensors.File
	params      []*tensor.Param
	own, theirs Task
	known       bool     // the file says what its task was
	drawn, left []string // weights that are as they were drawn, and weights of the file that are not used
}

// fill takes the body's weights over, all of which must fit, and the head's where the task is the same and they fit.
func (b *beginning) fill() error {
	keep := b.keepsHead()
	known := map[string]bool{}
	for _, p := range b.params {
		known[p.Name] = true
		var err error
		switch {
		case b.own.isHead(p.Name) && !keep:
			b.drawn = append(b.drawn, p.Name)
		case p.Name == b.own.Table && b.known && b.own.Rows == b.theirs.Rows:
			err = b.fillTable(p)
		default:
			err = b.f.ReadMat(p.Value, savedName(b.f, p.Name))
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
			return anotherModel(e.Name)
		}
	}
	return nil
}

// keepsHead says whether the whole head can be taken over: a part of one is none.
func (b *beginning) keepsHead() bool {
	if b.known && b.theirs.Name != b.own.Name {
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

// fillTable fills the rows that both tasks have. What the task of the file has beyond them is left, and what this one has is as drawn.
func (b *beginning) fillTable(p *tensor.Param) error {
	name := savedName(b.f, p.Name)
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

// told is what was not taken over, for people.
func (b *beginning) told() (text string) {
	if len(b.drawn) > 0 {
		text += "; drawn anew, for another task: " + strings.Join(b.drawn, ", ")
	}
	if len(b.left) > 0 {
		text += "; left out, of the task before: " + strings.Join(b.left, ", ")
	}
	return text
}
