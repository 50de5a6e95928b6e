package torch

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/checkpoint/torch/internal/pickle"
	"github.com/longspan/longspan/safetensors"
)

// metadataKey is the one attribute of a state dict: the versions of the modules that it is of. They say nothing of tensors.
const metadataKey = "_metadata"

// list enters the tensors of a state dict.
func (f *File) list(state any) error {
	dict, ok := state.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("found %s, expected a dictionary of tensors; save model.state_dict() with torch.save", pickle.Kind(state))
	}
	if dict.Attributes != nil {
		for _, key := range dict.Attributes.Keys {
			if key != metadataKey {
				return fmt.Errorf("found a dictionary with the attribute %s, expected %s alone", show(key), metadataKey)
			}
		}
	}
	f.tensors = map[string]namedTensor{}
	for i, key := range dict.Keys {
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("found %s as a key, expected the name of a tensor", pickle.Kind(key))
		}
		v, ok := dict.Values[i].(*view)
		if !ok {
			return notATensor(dict, name, dict.Values[i])
		}
		if _, twice := f.tensors[name]; twice {
			return fmt.Errorf("found tensor %q twice; the file is damaged", name)
		}
		e := safetensors.Entry{Name: name, DType: v.storage.dtype, Shape: v.shape}
		if err := f.checkSize(e); err != nil {
			return err
		}
		f.entries = append(f.entries, e)
		f.tensors[name] = namedTensor{e, v}
	}
	return nil
}

// checkSize bounds what reading a tensor takes: one whose strides are 0 can have more elements than the file.
func (f *File) checkSize(e safetensors.Entry) error {
	n := int64(1)
	for _, d := range e.Shape {
		if d == 0 {
			return nil
		}
		if n > math.MaxInt/16/int64(d) {
			n = math.MaxInt64
			break
		}
		n *= int64(d)
	}
	if size := int64(e.DType.Size()); n > f.size/size {
		return fmt.Errorf("tensor %q has the shape %v, which is more than the file's %d bytes, or than this processor can address; "+
			"if it repeats its elements, save t.contiguous()", e.Name, e.Shape, f.size)
	}
	return nil
}

// notATensor explains a value that is no tensor, such as the state dict inside a checkpoint of a training run.
func notATensor(dict *pickle.Dict, name string, value any) error {
	const most = 8
	keys := ""
	for i, key := range dict.Keys {
		if i == most {
			keys += fmt.Sprintf(" and %d more", len(dict.Keys)-most)
			break
		}
		if i > 0 {
			keys += ", "
		}
		keys += show(key)
	}
	if _, nested := value.(*pickle.Dict); nested {
		return fmt.Errorf("found %s under %s, expected a tensor; the keys are %s. This seems a checkpoint of a training run: "+
			"save the dictionary of tensors inside it alone, such as torch.save(torch.load(FILE, weights_only=True)[%s], NEW)",
			pickle.Kind(value), show(name), keys, show(name))
	}
	return fmt.Errorf("found %s under %s, expected a tensor; the keys are %s. Save the tensors alone", pickle.Kind(value), show(name), keys)
}

// show is a key in an error.
func show(key any) string {
	const most = 80
	s, ok := key.(string)
	switch {
	case !ok:
		return pickle.Kind(key)
	case len(s) > most:
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
