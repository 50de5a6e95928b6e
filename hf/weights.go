package hf

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Tensors are the weights of a checkpoint, in one file or several.
type Tensors interface {
	// Names lists the tensors.
	Names() []string
	// Shape is the shape of a tensor.
	Shape(name string) (shape []int, ok bool)
	// View is a tensor where it lies in the file, as long as it is open; ok is false where its bytes cannot be used so.
	View(name string) (m tensor.Mat, ok bool)
	// ReadMat reads a tensor into a matrix of its rows and columns.
	ReadMat(dst tensor.Mat, name string) error
	Close() error
}

// Weights loads the weights of a model from a checkpoint: in place, where a weight is one tensor of a type that can be used; else as a copy
// in a pool.
type Weights struct {
	tensors Tensors
	names   *names
	where   string // for errors
	used    map[string]bool
	left    map[string]bool // tensors of a head that was replaced
	read    []tensor.Mat    // from pool
	pool    *tensor.Pool
	table   tensor.Type
}

// Loader returns the loader of the weights. table is the type of products: for bf16 products, tables of float32 are rounded once.
func (w *Weights) Loader(table tensor.Type, pool *tensor.Pool) nn.Loader {
	w.table, w.pool = table, pool
	return w.load
}

// Unused finds a tensor that is no weight of the model, and not one that the family is known not to use.
func (w *Weights) Unused() (name string, found bool) {
	for _, name := range w.tensors.Names() {
		if _, ok := w.names.explained(name); !w.used[name] && !ok && !w.left[name] {
			return name, true
		}
	}
	return "", false
}

// LeftOut counts the tensors that the model does not use, by what they are.
func (w *Weights) LeftOut() map[string]int {
	counts := map[string]int{}
	for _, name := range w.tensors.Names() {
		if what := w.idle(name); what != "" && !w.used[name] {
			counts[what]++
		}
	}
	return counts
}

// idle says what a tensor is that the model does not use; empty: a weight of the model, or of another.
func (w *Weights) idle(name string) string {
	if w.left[name] {
		return "a head that was replaced"
	}
	what, _ := w.names.explained(name)
	return what
}

// Forget drops the copies that were made in a dry pool, so that a real one can follow.
func (w *Weights) Forget() {
	for _, m := range w.read {
		w.pool.Put(m)
	}
	w.read, w.used = nil, map[string]bool{}
}

// Close returns copies to the pool, and closes the files.
func (w *Weights) Close() error {
	w.Forget()
	return w.tensors.Close()
}

// load is an [nn.Loader].
func (w *Weights) load(weight string, rows, cols int, kind nn.Kind) (tensor.Mat, error) {
	parts := w.names.parts[weight]
	if row, ok := w.names.made[weight]; ok {
		return w.make(row, rows, cols, kind), nil
	}
	if len(parts) == 0 {
		return tensor.Mat{}, fmt.Errorf("hf: %s: the family has no name for the weight %q", w.where, weight)
	}
	if err := w.check(weight, parts, rows, cols); err != nil {
		return tensor.Mat{}, err
	}
	t := w.typeOf(parts, kind)
	if len(parts) == 1 && parts[0].change == same {
		if view, ok := w.view(parts[0]); ok && view.Type == t {
			return view, nil
		}
	}
	m := w.pool.Get(t, rows, cols)
	w.read = append(w.read, m)
	at := 0
	for _, p := range parts {
		r, c := w.matrix(p)
		to, next := m, at+r
		if rows == 1 {
			next = at + c
			to = m.SliceCols(at, next)
		} else {
			to = m.SliceRows(at, next)
		}
		if err := w.copyPart(to, p); err != nil {
			return tensor.Mat{}, fmt.Errorf("hf: %s: %s: %w", w.where, p.name, err)
		}
		at = next
	}
	return m, nil
}

// make computes a weight row by row.
func (w *Weights) make(row func(i int, row []float32), rows, cols int, kind nn.Kind) tensor.Mat {
	t := tensor.F32
	if kind == nn.Table && w.table == tensor.BF16 {
		t = tensor.BF16
	}
	m := w.pool.Get(t, rows, cols)
	w.read = append(w.read, m)
	if m.Dry() {
		return m
	}
	buffer := make([]float32, cols)
	for i := range rows {
		row(i, buffer)
		m.WriteRow(i, buffer)
	}
	return m
}

// check compares the shapes of parts with the weight that they make, and marks them as used.
func (w *Weights) check(weight string, parts []part, rows, cols int) error {
	found, want, across := 0, rows, cols
	if rows == 1 {
		want, across = cols, 1
	}
	for i, p := range parts {
		shape, ok := w.tensors.Shape(p.name)
		if !ok {
			return fmt.Errorf("hf: %s has no tensor %q, which makes %q: the weights are of another model, or not whole", w.where, p.name, weight)
		}
		w.used[p.name] = true
		if s := p.slice; s.of > 0 && (len(shape) < 1 || len(shape) > 2 || shape[0] != s.of) {
			return fmt.Errorf("hf: %s: the tensor %q has the shape %v, expected %d rows by config.json", w.where, p.name, shape, s.of)
		}
		r, c := w.matrix(p)
		if rows == 1 {
			r, c = c, r
		}
		if own := w.names.rows[weight]; len(parts) > 1 && len(own) == len(parts) && r != own[i] {
			return fmt.Errorf("hf: %s: the tensor %q has the shape %v, expected %d rows by config.json", w.where, p.name, shape, own[i])
		}
		if r < 1 || c != across || r > want-found {
			return fmt.Errorf("hf: %s: the tensor %q has the shape %v, expected %s of %d×%d by config.json", w.where, p.name, shape,
				portion(parts), rows, cols)
		}
		found += r
	}
	if found != want {
		return fmt.Errorf("hf: %s: the tensors of %q have %d rows, beginning with %q, expected %d by config.json", w.where, weight, found,
			parts[0].name, want)
	}
	return nil
}

// checkTied refuses a tied model whose file has another head: transformers 4 ties it all the same, and 5 takes the file's.
func (w *Weights) checkTied() error {
	return w.checkEqual(w.names.second, w.names.table(), "with tie_word_embeddings true in config.json; expected equal ones. "+
		"transformers 4 uses the second, 5 the first: set tie_word_embeddings to false, or take the first away")
}

// checkCopies refuses a file whose copies of the embedding's table, or of tied tensors, have other numbers.
func (w *Weights) checkCopies() error {
	for _, name := range w.names.copies {
		if err := w.checkEqual(name, w.names.table(), "expected equal ones: they are names of one table"); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.names.twins)) {
		if err := w.checkEqual(name, w.names.twins[name], "expected equal ones: config.json says that they are tied"); err != nil {
			return err
		}
	}
	return nil
}

// checkEqual refuses a tensor that is there and unlike another; why ends the error.
func (w *Weights) checkEqual(name, other, why string) error {
	_, is := w.tensors.Shape(name)
	if _, has := w.tensors.Shape(other); !is || !has {
		return nil // what lacks is found when it is read
	}
	equal, err := w.equal(name, other)
	if err != nil || equal {
		return err
	}
	return fmt.Errorf("hf: %s: found the tensor %q unlike %q, %s", w.where, name, other, why)
}

// equal compares two tensors.
func (w *Weights) equal(a, b string) (bool, error) {
	shape, _ := w.tensors.Shape(a)
	other, _ := w.tensors.Shape(b)
	if !slices.Equal(shape, other) {
		return false, nil
	}
	x, okX := w.tensors.View(a)
	y, okY := w.tensors.View(b)
	if okX && okY && x.Type == y.Type {
		return slices.Equal(x.F32, y.F32) && slices.Equal(x.U16, y.U16), nil
	}
	rows, cols := w.matrix(part{name: a})
	x, y = tensor.New(tensor.F32, rows, cols), tensor.New(tensor.F32, rows, cols)
	if err := errors.Join(w.tensors.ReadMat(x, a), w.tensors.ReadMat(y, b)); err != nil {
		return false, err
	}
	return slices.Equal(x.F32, y.F32), nil
}

func portion(parts []part) string {
	if len(parts) == 1 {
		return "all"
	}
	return "rows"
}

// matrix is the rows and columns of a part: a vector is one row, and the first dimension of others has the rows.
func (w *Weights) matrix(p part) (rows, cols int) {
	shape, _ := w.tensors.Shape(p.name)
	rows, cols = 1, 1
	for i, n := range shape {
		if i == 0 && len(shape) > 1 {
			rows = n
		} else {
			cols *= n
		}
	}
	switch {
	case p.change == transposed:
		return cols, rows
	case p.change == flat:
		return 1, rows * cols
	case p.slice.of > 0 && len(shape) == 1:
		return 1, p.slice.to - p.slice.from
	case p.slice.of > 0:
		return p.slice.to - p.slice.from, cols
	}
	return rows, cols
}

// view is a part where it lies in the file, as [Tensors].View. The part is not changed.
func (w *Weights) view(p part) (tensor.Mat, bool) {
	m, ok := w.tensors.View(p.name)
	if ok {
		m = w.sliceOf(m, p)
	}
	return m, ok
}

// sliceOf are the rows of a part in its tensor m; of a vector, its elements.
func (w *Weights) sliceOf(m tensor.Mat, p part) tensor.Mat {
	shape, _ := w.tensors.Shape(p.name)
	switch {
	case p.slice.of == 0:
		return m
	case len(shape) == 1:
		return m.SliceCols(p.slice.from, p.slice.to)
	}
	return m.SliceRows(p.slice.from, p.slice.to)
}

// typeOf is the type that a weight is kept in: 16 bits where all its parts have them, or products need them.
func (w *Weights) typeOf(parts []part, kind nn.Kind) tensor.Type {
	if kind != nn.Table {
		return tensor.F32
	}
	if w.table == tensor.BF16 {
		return tensor.BF16
	}
	t := tensor.F32
	for i, p := range parts {
		view, ok := w.tensors.View(p.name)
		if !ok || i > 0 && view.Type != t {
			return tensor.F32
		}
		t = view.Type
	}
	return t
}

// copyPart writes a tensor to rows of a weight.
func (w *Weights) copyPart(dst tensor.Mat, p part) error {
	if dst.Dry() {
		return nil
	}
	switch p.change {
	case transposed:
		return w.copyTransposed(dst, p)
	case plusOne:
		err := w.copySame(dst, p)
		for i := range dst.F32 {
			dst.F32[i]++
		}
		return err
	case swapped:
		return w.copySwapped(dst, p.name)
	case flat:
		return w.copyFlat(dst, p)
	}
	return w.copySame(dst, p)
}

// copySwapped writes the halves of a tensor in the other order.
func (w *Weights) copySwapped(dst tensor.Mat, name string) error {
	half := dst.Rows / 2
	if dst.Rows%2 != 0 {
		return fmt.Errorf("found %d rows, expected an even number: a gate, and what it gates", dst.Rows)
	}
	src, ok := w.tensors.View(name)
	if !ok {
		src = w.pool.Get(tensor.F32, dst.Rows, dst.Cols)
		defer w.pool.Put(src)
		if err := w.tensors.ReadMat(src, name); err != nil {
			return err
		}
	}
	x := tensor.Exec{Pool: w.pool}
	return errors.Join(tensor.Convert(x, dst.SliceRows(0, half), src.SliceRows(half, dst.Rows)),
		tensor.Convert(x, dst.SliceRows(half, dst.Rows), src.SliceRows(0, half)))
}

// copySame writes a tensor, or some of its rows, on all threads where it lies in memory, rounded where dst is narrower.
func (w *Weights) copySame(dst tensor.Mat, p part) error {
	src, ok := w.view(p)
	switch {
	case ok:
	case dst.Type == tensor.F32 && p.slice.of == 0:
		return w.tensors.ReadMat(dst, p.name)
	default:
		rows, cols := w.matrix(part{name: p.name})
		all := w.pool.Get(tensor.F32, rows, cols)
		defer w.pool.Put(all)
		if err := w.tensors.ReadMat(all, p.name); err != nil {
			return err
		}
		src = w.sliceOf(all, p)
	}
	return tensor.Convert(tensor.Exec{Pool: w.pool}, dst, src)
}

// copyFlat writes the elements of a matrix to a row, in order.
func (w *Weights) copyFlat(dst tensor.Mat, p part) error {
	rows, cols := w.matrix(part{name: p.name})
	src := tensor.New(tensor.F32, rows, cols)
	if err := w.tensors.ReadMat(src, p.name); err != nil {
		return err
	}
	copy(dst.F32, src.F32)
	return nil
}

// copyTransposed writes the transpose of a tensor.
func (w *Weights) copyTransposed(dst tensor.Mat, p part) error {
	src := tensor.New(tensor.F32, dst.Cols, dst.Rows)
	if err := w.tensors.ReadMat(src, p.name); err != nil {
		return err
	}
	row := make([]float32, dst.Cols)
	for i := range dst.Rows {
		for j := range row {
			row[j] = src.F32[j*dst.Rows+i]
		}
		dst.WriteRow(i, row)
	}
	return nil
}
