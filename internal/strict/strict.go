// Package strict has the errors of configs in which every key and value must mean something. An error names the key that it is about, so
// that a reader of the config can find the key's line.
package strict

import (
	"errors"
	"fmt"
)

// keyError is an error about the value of a key.
type keyError struct {
	key string // its path, such as optimizer.lr
	error
}

func (e keyError) Unwrap() error { return e.error }

// Wrong returns an error about the value of a key, such as Wrong("log.every", "is %d; it must be positive", n). Its text starts with the
// key.
func Wrong(key, format string, args ...any) error {
	return keyError{key, fmt.Errorf(key+" "+format, args...)}
}

// Under returns err as an error about a key of a section. Its text starts with the section. A nil err stays nil.
func Under(section string, err error) error {
	if err == nil {
		return nil
	}
	full := section
	if key := Key(err); key != "" {
		full = section + "." + key
	}
	return keyError{full, fmt.Errorf("%s: %w", section, err)}
}

// Key returns the path of the key that err is about, such as train.optimizer.lr, or "" if it is about none.
func Key(err error) string {
	var wrong keyError
	if errors.As(err, &wrong) {
		return wrong.key
	}
	return ""
}
