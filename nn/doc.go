// Package nn holds the layers of Transformers over package autograd, and the registry of their weights.
//
// A layer is made once, with its weights named in a [Params]; its Apply methods record its operations on the graph of
// a [Pass], the state that the layers of one forward pass share: the graph, the lengths of the packed batch, positions.
//
//	params := nn.NewParams(nn.ParamsOptions{Pool: pool, Seed: 1, Train: true})
//	layer := nn.NewLinear(params, "out", nn.LinearConfig{In: 512, Out: 256, Bias: true})
//	y := layer.Apply(pass, x) // [T, 512] to [T, 256]
package nn
