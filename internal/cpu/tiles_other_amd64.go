//go:build !linux && !purego

package cpu

// askForTiles says no: how other systems give tiles to a process has not been tried.
func askForTiles() bool { return false }
