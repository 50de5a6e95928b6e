package jinja

// expr is an expression.
type expr interface {
	eval(m *machine, s *scope) (any, error)
}

// stmt is a part of a template that writes output or sets names.
type stmt interface {
	exec(m *machine, s *scope) error
}

// Expressions.
type (
	constant  struct{ value any }
	name      struct{ name string }
	listExpr  struct{ items []expr }
	tupleExpr struct{ items []expr }
	dictExpr  struct{ keys, values []expr }
	attribute struct { // of.name
		of   expr
		name string
	}
	item  struct{ of, index expr }          // of[index]
	slice struct{ of, from, to, step expr } // of[from:to:step]; a nil bound is absent
	unary struct {
		op string // - + not
		of expr
	}
	binary struct {
		op          string // + - * / // % ** ~ and or
		left, right expr
	}
	comparison struct { // first op₀ rest₀ op₁ rest₁ …
		first expr
		ops   []string
		rest  []expr
	}
	conditional struct{ then, test, otherwise expr } // a nil otherwise is undefined
	invocation  struct {
		callee expr
		arguments
	}
	filtered struct {
		of     expr
		name   string
		filter builtin
		arguments
	}
	tested struct {
		of      expr
		name    string
		test    builtin
		negated bool
		arguments
	}
)

// arguments are those of a call.
type arguments struct {
	positional []expr
	names      []string
	named      []expr
}

// Statements. Each has the line it begins at.
type (
	text   struct{ text string }
	output struct {
		line int
		of   expr
	}
	ifStmt struct {
		line      int
		test      expr
		then      []stmt
		otherwise []stmt
	}
	forStmt struct {
		line      int
		target    target
		over      expr
		where     expr // nil: all
		body      []stmt
		otherwise []stmt
	}
	setStmt struct {
		line   int
		target target
		value  expr
	}
	setBlock struct {
		line    int
		target  target
		body    []stmt
		filters []*filtered // with a nil operand
	}
	filterBlock struct {
		line    int
		body    []stmt
		filters []*filtered // with a nil operand
	}
	macroStmt struct {
		line int
		macro
	}
	jump  struct{ err error } // break and continue
	group struct{ body []stmt }
)

// target is what a value is bound to: a name, an attribute of a namespace, or several names.
type target struct {
	name      string
	attribute string   // of the namespace name; empty: the name itself
	names     []string // several, that the elements of a value are bound to
}
