// Package torch reads the dictionaries of tensors that torch.save writes, such as pytorch_model.bin, and runs nothing of them.
//
// Such a file holds a pickle, which is a program: torch.load of older versions ran whatever it said. Here a pickle can only name what a
// dictionary of tensors needs: collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter and the classes
// of storages. Any other name is an error that says the name.
//
// There are two forms. The form of torch 1.6 and later is a zip archive of stored, uncompressed members:
//
//	NAME/data.pkl      the pickle
//	NAME/byteorder     "little" or "big"; absent before torch 2.1
//	NAME/version       the version of the archive, 3
//	NAME/data/KEY      the elements of one storage, a flat array
//
// The form before it has five pickles end to end (a magic number, the version 1001, facts of the machine, the dictionary, the list of
// the keys of the storages), then each storage: its number of elements in 8 bytes, and the elements.
//
// A tensor is a shape, strides and an offset over a storage. Several tensors can share one. Tensors whose elements lie in order are used
// in place, others are gathered. The forms were found by taking files of torch 2.15 apart with Python's pickletools and zipfile.
package torch
