package attention

// With returns a with other sinks and another bias, over the same layout: what changes between the steps of a training run. Cost:
// the checks of the bias alone. nil means none.
func (a *Attention) With(sinks []float32, bias Bias) (*Attention, error) {
	with := *a
	with.c.Sinks, with.c.Bias = sinks, bias
	c, err := with.c.resolve()
	if err != nil {
		return nil, err
	}
	with.c = c
	if bias == nil {
		return &with, nil
	}
	if err := bias.check(c, a.given); err != nil {
		return nil, err
	}
	return &with, nil
}

// Queries is the number of rows of q.
func (a *Attention) Queries() int { return a.tq }

// Keys is the number of rows of k and v.
func (a *Attention) Keys() int { return a.tk }
