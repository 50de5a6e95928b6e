package torch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/longspan/longspan/checkpoint/torch/internal/pickle"
	"github.com/longspan/longspan/safetensors"
)

// callable is a function or class that a pickle may name.
type callable string

func (c callable) String() string { return string(c) }

// The functions and classes, other than those of storages.
const (
	orderedDict      callable = "collections.OrderedDict"
	rebuildTensor    callable = "torch._utils._rebuild_tensor_v2"
	rebuildParameter callable = "torch._utils._rebuild_parameter"
)

// storageTypes are the classes of storages by their names after "torch.". A class stands for a type of elements.
var storageTypes = map[string]safetensors.DType{
	"DoubleStorage": safetensors.F64, "FloatStorage": safetensors.F32, "HalfStorage": safetensors.F16, "BFloat16Storage": safetensors.BF16,
	"LongStorage": safetensors.I64, "IntStorage": safetensors.I32, "ShortStorage": safetensors.I16, "CharStorage": safetensors.I8,
	"ByteStorage": safetensors.U8, "BoolStorage": safetensors.Bool,
}

// storageType is the class of a storage.
type storageType safetensors.DType

func (s storageType) String() string { return "a class of storages" }

// rules are what the pickle of a dictionary of tensors may name. They collect its storages.
type rules struct {
	idLength int // of the tuple that stands for a storage
	storages map[string]*storage
}

// Global implements pickle.Rules.
func (r *rules) Global(module, name string) (any, error) {
	full := module + "." + name
	switch c := callable(full); c {
	case orderedDict, rebuildTensor, rebuildParameter:
		return c, nil
	}
	if d, ok := storageTypes[name]; ok && module == "torch" {
		return storageType(d), nil
	}
	why := "this file would run code: do not load it with torch.load either. Ask its author for a safetensors file"
	if module == "torch" || strings.HasPrefix(module, "torch.") {
		why = "the file holds more than a dictionary of dense tensors. Save the state_dict of the model alone, or as safetensors"
	}
	return nil, fmt.Errorf("found the global %s, expected one of %s, %s, %s and torch.%s; %s", clip(full), orderedDict, rebuildTensor,
		rebuildParameter, strings.Join(slices.Sorted(maps.Keys(storageTypes)), ", torch."), why)
}

// clip makes text from a file fit for an error.
func clip(s string) string {
	s = fmt.Sprintf("%q", s)
	return s[1 : len(s)-1]
}

// Call implements pickle.Rules.
func (r *rules) Call(f any, args pickle.Tuple) (any, error) {
	switch f {
	case orderedDict:
		if len(args) != 0 {
			return nil, fmt.Errorf("found %s of %d arguments, expected none, as Python 3 writes it; save the file again with Python 3",
				f, len(args))
		}
		return &pickle.Dict{}, nil
	case rebuildTensor:
		return callTensor(args)
	case rebuildParameter:
		return callParameter(args)
	}
	return nil, fmt.Errorf("found a call of %s, expected one of %s, %s, %s; the file is damaged", pickle.Kind(f),
		orderedDict, rebuildTensor, rebuildParameter)
}

// callTensor makes a tensor of storage, offset, shape, strides, requires_grad, hooks and, since torch 2.0, metadata. What belongs to
// training does not matter; hooks and metadata must be empty, as metadata can say that elements are negated or conjugated.
func callTensor(args pickle.Tuple) (*view, error) {
	if len(args) != 6 && len(args) != 7 {
		return nil, fmt.Errorf("found %s with %d arguments, expected 6 or 7", rebuildTensor, len(args))
	}
	s, ok1 := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := numbers(args[2])
	strides, ok4 := numbers(args[3])
	if _, ok := args[4].(bool); !ok || !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, fmt.Errorf("found %s of %s, %s, %s, %s and %s, expected a storage, an offset, a shape and strides of at most %d numbers, "+
			"and a bool", rebuildTensor, pickle.Kind(args[0]), pickle.Kind(args[1]), pickle.Kind(args[2]), pickle.Kind(args[3]),
			pickle.Kind(args[4]), maxDimensions)
	}
	for i, what := range []string{"hooks", "metadata"}[:len(args)-5] {
		if !empty(args[5+i]) {
			return nil, fmt.Errorf("found a tensor with %s, expected none; "+
				"save tensors of plain elements, such as by {name: t.resolve_conj().resolve_neg() for …}", what)
		}
	}
	dims := make([]int, len(shape))
	for k, n := range shape {
		if dims[k] = int(n); int64(dims[k]) != n {
			return nil, fmt.Errorf("found a tensor of shape %v, which is too large for this processor", shape)
		}
	}
	return newView(s, offset, dims, strides)
}

// callParameter makes a tensor of a tensor, requires_grad and hooks.
func callParameter(args pickle.Tuple) (*view, error) {
	if len(args) == 3 {
		_, isBool := args[1].(bool)
		if v, ok := args[0].(*view); ok && isBool && empty(args[2]) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("found %s of %s, expected a tensor, a bool and no hooks", rebuildParameter, pickle.Kind(args))
}

// empty reports whether v is None or a dict without items.
func empty(v any) bool {
	d, ok := v.(*pickle.Dict)
	return v == nil || ok && len(d.Keys) == 0
}

// numbers reads a tuple of at most maxDimensions integers.
func numbers(v any) ([]int64, bool) {
	t, ok := v.(pickle.Tuple)
	if !ok || len(t) > maxDimensions {
		return nil, false
	}
	list := make([]int64, len(t))
	for i, x := range t {
		if list[i], ok = x.(int64); !ok {
			return nil, false
		}
	}
	return list, true
}

// Persistent implements pickle.Rules. A storage has the id ("storage", class, key, device, number of elements); the older form adds None,
// or the place of a part of the storage, which torch before 0.4 wrote.
func (r *rules) Persistent(id any) (any, error) {
	t, ok := id.(pickle.Tuple)
	if ok && len(t) > 0 && t[0] == "module" {
		return nil, errors.New("found a whole module with its source code, expected a dictionary of tensors; " +
			"save model.state_dict() with torch.save")
	}
	if !ok || len(t) != r.idLength || t[0] != "storage" {
		return nil, fmt.Errorf("found %s in place of a storage, expected a tuple of \"storage\" and %d more", pickle.Kind(id), r.idLength-1)
	}
	if r.idLength == 6 && t[5] != nil {
		return nil, errors.New("found a part of a storage, as torch before 0.4 wrote; save the file again with a newer torch")
	}
	class, ok1 := t[1].(storageType)
	key, ok2 := t[2].(string)
	elements, ok3 := t[4].(int64)
	if _, ok := t[3].(string); !ok || !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("found a storage of %s, %s, %s and %s, expected a class, a key, a device and a number", pickle.Kind(t[1]),
			pickle.Kind(t[2]), pickle.Kind(t[3]), pickle.Kind(t[4]))
	}
	s, err := newStorage(key, safetensors.DType(class), elements)
	if err != nil {
		return nil, err
	}
	known, ok := r.storages[key]
	if !ok {
		r.storages[key] = s
		return s, nil
	}
	if known.dtype == s.dtype && known.elements == s.elements {
		return known, nil
	}
	if known.bytes() == 0 && s.bytes() == 0 {
		return s, nil // empty tensors of several types can share a storage
	}
	return nil, fmt.Errorf("found storage %s as %d elements of %s and as %d of %s; the file is damaged", show(key),
		known.elements, known.dtype, s.elements, s.dtype)
}
