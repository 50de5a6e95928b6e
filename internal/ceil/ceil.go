// Package ceil divides whole numbers and rounds the result up.
package ceil

// Div is ⌈n / by⌉, for n ≥ 0 and by > 0.
func Div(n, by int) int { return (n + by - 1) / by }

// Multiple is the smallest multiple of unit that is n or more.
func Multiple(n, unit int) int { return Div(n, unit) * unit }
