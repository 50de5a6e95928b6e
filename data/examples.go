package data

// Examples is a Dataset over a function.
type Examples struct {
	N int // examples of an epoch

	// Make appends an example to dst, as Dataset.Append does.
	Make func(dst *Batch, epoch, index int) error
}

// Len is N.
func (e Examples) Len() int { return e.N }

// Append calls Make.
func (e Examples) Append(dst *Batch, epoch, index int) error { return e.Make(dst, epoch, index) }
