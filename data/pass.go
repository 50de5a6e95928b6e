package data

// Pass identifies one forward and backward pass of a training run.
type Pass struct {
	Seed   uint64  // of the run
	Step   int64   // 1 for the first step
	Part   int     // index of the batch among those accumulated in the step; Seed, Step and Part determine dropout
	Weight float64 // factor of the gradient
}

// Mix returns the seed of the pass: it differs between the passes of a run.
func (p Pass) Mix() uint64 { return Mix(Mix(p.Seed^uint64(p.Step)) + uint64(p.Part)) }

// Outcome is how well a batch was predicted.
type Outcome struct {
	Loss    float64 // mean over the targets, in nats
	Targets int64
	Correct int64 // targets to which the model gave the highest probability
	Numbers bool  // the targets are numbers: the loss is the mean squared error, and Correct stays 0
}
