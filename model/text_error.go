package model

import "fmt"

// TextError is an error about one of several texts.
type TextError struct {
	Index, Of int // the number of the text, from 0, and of texts
	Err       error
}

func (e *TextError) Error() string {
	if e.Of == 1 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (text %d of %d)", e.Err, e.Index+1, e.Of)
}

func (e *TextError) Unwrap() error { return e.Err }
