// Package checkpoint opens the weights of a model folder in Hugging Face's form, whatever files they are in:
//
//	model.safetensors               one file
//	model.safetensors.index.json    several files, and which tensor is in which
//	pytorch_model.bin               one file of torch.save
//	pytorch_model.bin.index.json    several of them
//
// [Open] takes the first of these that a folder has, so that safetensors wins. Weights are used in place where a file allows it, and
// opening does not read them: it costs the headers. Files of torch.save are read without running them; see package checkpoint/torch.
package checkpoint
