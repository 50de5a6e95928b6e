// Package model makes, opens and runs Transformers: encoders, decoders, encoder–decoders, Transformer-XL and hierarchical models,
// each with a head for language modelling, masked language modelling, classification of sequences or of tokens, or regression. A
// trained model is a folder, which [Open] opens.
//
//	c := model.Config{Kind: "decoder", Vocab: 256, Width: 256, Layers: 4, Heads: 4}
//	m, err := model.New(c, model.Options{Pool: pool, Train: true})
//	result, err := m.NewSession(x).Step(batch, model.StepOptions{Backward: true, Scale: 1})
//
// Every batch is packed. With a dry pool in place of a real one the same calls count bytes and flops and compute nothing. Package plan
// measures the cost of a run so.
package model
