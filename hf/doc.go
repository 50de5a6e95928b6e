// Package hf reads model folders in the form of Hugging Face's transformers: config.json in the spellings of versions 4 and 5, weights, and
// the files of sentence-transformers. Package model opens such folders with it.
//
// A family of models is a file of this package: a function from a configuration to a [spec.Spec], and the names of the weights. Every
// setting that changes what a model computes is read. A setting that this package does not compute is an error. Every tensor of the
// weights is used, or named as one that the model does not use; every other tensor is an error.
//
// [Checkpoint.Save] is the way back. It needs nothing of a family but the names: what is put together is taken apart again, and config.json
// is read again to see that it describes the model. A tensor that repeats another is named by copied, so that no old copy is saved.
package hf
