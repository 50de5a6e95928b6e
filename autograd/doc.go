// Package autograd is a tape of coarse operations over packed batches: linear, attention, norm, cross-entropy, not
// scalars and elementwise chains. A block of a Transformer is about ten of them.
//
// A [Graph] is recorded first and run afterwards. Recording an operation only checks shapes and returns a [Var] that
// stands for its result; [Graph.Forward] computes the values, [Graph.Backward] the gradients:
//
//	g := autograd.New(tensor.Exec{Pool: pool}, autograd.Options{Train: true})
//	x := g.Input(batch)                    // [T, features]
//	y := g.Linear(x, g.Leaf(w, dw), nil)   // [T, out]; dw collects the gradient of w
//	loss := g.MeanSquare(y, targets)
//	err := g.Forward()                     // loss.Scalar() can be read from here on
//	err = g.Backward(loss, 1)
//	g.Close()
//
// Since the whole tape is known before anything runs, every buffer is given back at its last use, values that no
// backward pass reads are never kept, and a part wrapped by [Graph.Recompute] is run again instead of kept.
//
// A tape run with a dry pool ([tensor.NewDryPool]) takes and gives back the same buffers in the same order and
// computes nothing: its peak is the peak of the real run, and [Graph.Cost] its flops and the bytes it moves.
//
// Values are matrices [rows, features]; the rows are the tokens of all sequences, laid end to end. Results do not
// depend on the number of threads, bit for bit.
//
// Wrong shapes do not panic: the first mistake is remembered, whatever follows is ignored, and Forward returns it.
package autograd
