package hf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// inverse writes the weights of a model as the tensors that make them.
type inverse struct {
	w     *Weights
	force *tensor.Type // of every tensor of numbers; nil: each as it came
	out   []safetensors.Tensor
	made  map[string]int // place in out, by name

	pieces map[string]tensor.Mat // what makes each tensor that one piece makes
	slices map[string][]tensor.Mat
}

// inverse lists the tensors of the files that make the weights, and those of the source that the model does not use. The elements are read
// when the tensors are written.
func (w *Weights) inverse(weights []*tensor.Param, force *tensor.Type) (*inverse, error) {
	v := &inverse{w: w, force: force, made: map[string]int{}, pieces: map[string]tensor.Mat{}, slices: map[string][]tensor.Mat{}}
	for _, p := range weights {
		if err := v.add(p); err != nil {
			return nil, fmt.Errorf("hf: the weight %q: %w", p.Name, err)
		}
	}
	for _, name := range w.tensors.Names() {
		if _, ok := v.made[name]; ok {
			continue
		}
		if err := v.addUnused(name); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// put appends a tensor.
func (v *inverse) put(t safetensors.Tensor) {
	v.made[t.Name] = len(v.out)
	v.out = append(v.out, t)
}

// add appends the tensors of a weight.
func (v *inverse) add(p *tensor.Param) error {
	if row, ok := v.w.names.made[p.Name]; ok {
		return checkMade(p.Value, row)
	}
	parts := v.w.names.parts[p.Name]
	if len(parts) == 0 {
		return errors.New("found no tensor of the family that it is made of, expected one: this form has no place for it")
	}
	sizes, err := v.sizes(p, parts)
	if err != nil {
		return err
	}
	at := 0
	for i, part := range parts {
		piece := p.Value
		if next := at + sizes[i]; piece.Rows == 1 {
			piece = piece.SliceCols(at, next)
		} else {
			piece = piece.SliceRows(at, next)
		}
		at += sizes[i]
		if part.slice.of > 0 {
			v.addSlice(p.Name, part, piece)
			continue
		}
		if first, twice := v.pieces[part.name]; twice {
			if err := checkShared(part.name, first, piece); err != nil {
				return err
			}
			continue
		}
		v.pieces[part.name] = piece
		t, err := v.tensor(p.Name, part, piece)
		if err != nil {
			return err
		}
		v.put(t)
	}
	return nil
}

// checkShared refuses two weights of other numbers for one tensor.
func checkShared(name string, a, b tensor.Mat) error {
	x, y := make([]float32, a.Cols), make([]float32, b.Cols)
	for i := range a.Rows {
		if a.Dry() {
			return nil
		}
		a.ReadRow(x, i)
		b.ReadRow(y, i)
		if !slices.Equal(x, y) {
			return fmt.Errorf("%w: the tensor %q makes several weights, which differ after training; save the model in the form of this program",
				ErrForm, name)
		}
	}
	return nil
}

// addSlice keeps some rows of a tensor, or elements of a vector, and appends the tensor with its last ones. The slices come in the order of
// their rows.
func (v *inverse) addSlice(weight string, p part, m tensor.Mat) {
	all := append(v.slices[p.name], m)
	v.slices[p.name] = all
	if p.slice.to < p.slice.of {
		return
	}
	if strings.HasSuffix(weight, ".bias") {
		v.put(safetensors.Rows(p.name, v.typeOf(p.name), []int{p.slice.of}, p.slice.of, func(dst []float32, _ int) {
			for _, m := range all {
				m.ReadRow(dst[:m.Cols], 0)
				dst = dst[m.Cols:]
			}
		}))
		return
	}
	v.put(safetensors.Rows(p.name, v.typeOf(p.name), []int{p.slice.of, m.Cols}, m.Cols, func(dst []float32, i int) {
		for _, m := range all {
			if i < m.Rows {
				m.ReadRow(dst, i)
				return
			}
			i -= m.Rows
		}
	}))
}

// checkMade refuses other numbers than those that transformers' class computes, and whose files have no tensor for them.
func checkMade(m tensor.Mat, row func(i int, row []float32)) error {
	if m.Dry() {
		return nil
	}
	got, want := make([]float32, m.Cols), make([]float32, m.Cols)
	for i := range m.Rows {
		m.ReadRow(got, i)
		if row(i, want); !slices.Equal(got, want) {
			return fmt.Errorf("%w: transformers computes it, and these are other numbers; save it in the form of this program", ErrForm)
		}
	}
	return nil
}

// sizes are the rows of each part of a weight; of a vector, its elements.
func (v *inverse) sizes(p *tensor.Param, parts []part) ([]int, error) {
	whole := p.Value.Rows
	if whole == 1 {
		whole = p.Value.Cols
	}
	if len(parts) == 1 {
		return []int{whole}, nil
	}
	sizes := v.w.names.rows[p.Name]
	if len(sizes) != len(parts) {
		sizes = nil
		for _, part := range parts {
			rows, cols := v.w.matrix(part)
			if p.Value.Rows == 1 {
				rows = cols
			}
			sizes = append(sizes, rows)
		}
	}
	sum := 0
	for _, n := range sizes {
		sum += n
	}
	if sum != whole {
		return nil, fmt.Errorf("found %d rows for tensors of %d, expected as many", whole, sum)
	}
	return sizes, nil
}

// tensor is a part of a weight as the file has it.
func (v *inverse) tensor(weight string, p part, m tensor.Mat) (safetensors.Tensor, error) {
	t, shape := v.typeOf(p.name), v.shape(weight, p, m)
	switch p.change {
	case same:
		if m.Type == t {
			return safetensors.Shaped(p.name, m, shape...), nil
		}
		return safetensors.Rows(p.name, t, shape, m.Cols, m.ReadRow), nil
	case transposed:
		return safetensors.Rows(p.name, t, shape, m.Rows, columns(m)), nil
	case plusOne:
		return safetensors.Rows(p.name, t, shape, m.Cols, v.w.minusOne(p.name, m)), nil
	case flat:
		cols := shape[len(shape)-1]
		return safetensors.Rows(p.name, t, shape, cols, func(dst []float32, i int) { m.SliceCols(i*cols, (i+1)*cols).ReadRow(dst, 0) }), nil
	case swapped:
		half := m.Rows / 2
		return safetensors.Rows(p.name, t, shape, m.Cols, func(dst []float32, i int) { m.ReadRow(dst, (i+half)%m.Rows) }), nil
	}
	return safetensors.Tensor{}, fmt.Errorf("the tensor %q is changed in a way that this program cannot undo", p.name)
}

// typeOf is the type in which a tensor is written: that of the source, or of its embedding for a tensor that it does not have. F64 becomes
// F32, in which the weights are.
func (v *inverse) typeOf(name string) tensor.Type {
	if v.force != nil {
		return *v.force
	}
	source, ok := v.w.tensors.(entries)
	if !ok {
		return tensor.F32
	}
	e, ok := source.entry(name)
	if !ok {
		e, _ = source.entry(v.w.names.table())
	}
	switch e.DType {
	case safetensors.BF16:
		return tensor.BF16
	case safetensors.F16:
		return tensor.F16
	}
	return tensor.F32
}

// shape is the shape of a tensor in the source, with other rows where the weight has others. A new vector has one dimension.
func (v *inverse) shape(weight string, p part, m tensor.Mat) []int {
	rows, cols := m.Rows, m.Cols
	if p.change == transposed {
		rows, cols = cols, rows
	}
	shape, ok := v.w.tensors.Shape(p.name)
	if ok {
		n := 1
		for _, d := range shape {
			n *= d
		}
		if n == rows*cols {
			return shape
		}
	}
	vector := strings.HasSuffix(weight, ".bias") || weight == "norm.weight" || strings.HasSuffix(weight, "norm.weight")
	if rows == 1 && (vector || ok && len(shape) == 1) {
		return []int{cols}
	}
	return []int{rows, cols}
}

// columns reads the columns of m.
func columns(m tensor.Mat) func(dst []float32, i int) {
	row := make([]float32, m.Cols)
	return func(dst []float32, i int) {
		for j := range dst {
			if m.Type == tensor.F32 {
				dst[j] = m.F32[j*m.Stride+i]
				continue
			}
			m.ReadRow(row, j)
			dst[j] = row[i]
		}
	}
}

// minusOne reads the rows of m without the one that was added to the file's. A number that has not changed is the file's: x+1 may have lost
// the last digits of x.
func (w *Weights) minusOne(name string, m tensor.Mat) func(dst []float32, i int) {
	var source tensor.Mat
	if rows, cols := w.matrix(part{name: name}); rows == m.Rows && cols == m.Cols {
		source = tensor.New(tensor.F32, rows, cols)
		if w.tensors.ReadMat(source, name) != nil {
			source = tensor.Mat{}
		}
	}
	return func(dst []float32, i int) {
		m.ReadRow(dst, i)
		for j, v := range dst {
			dst[j] = v - 1
			if source.Rows > 0 && source.Row(i)[j]+1 == v {
				dst[j] = source.Row(i)[j]
			}
		}
	}
}

// addUnused appends a tensor of the source that the model does not use: as it was, or with the elements of the one that it repeats. A
// second name of a tied head, of another tied tensor or of the embedding's table is left out, as transformers leaves it out, and so is a
// head that was replaced.
func (v *inverse) addUnused(name string) error {
	_, twin := v.w.names.twins[name]
	if name == v.w.names.second || slices.Contains(v.w.names.copies, name) || twin || v.w.left[name] {
		return nil
	}
	source, ok := v.w.tensors.(entries)
	if !ok {
		return nil
	}
	if of, ok := v.w.names.repeats[name]; ok {
		at, ok := v.made[of]
		if !ok {
			return fmt.Errorf("hf: the tensor %q repeats %q, which the model does not have", name, of)
		}
		t := v.out[at]
		t.Name = name
		v.put(t)
		return nil
	}
	e, _ := source.entry(name)
	v.put(safetensors.Later(name, e.DType, e.Shape, func() ([]byte, error) { return source.bytes(name) }))
	return nil
}

// entries are the tensors of files as they are stored.
type entries interface {
	entry(name string) (safetensors.Entry, bool)
	bytes(name string) ([]byte, error)
}

func (f *files) entry(name string) (safetensors.Entry, bool) {
	s, inner := f.of(name)
	return s.Lookup(inner)
}

func (f *files) bytes(name string) ([]byte, error) {
	s, inner := f.of(name)
	return s.Bytes(inner)
}
