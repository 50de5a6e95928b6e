// Package jinja runs the part of the template language Jinja that chat templates use, with the settings that transformers gives it:
// trim_blocks, lstrip_blocks, loop controls, no automatic escaping, and values that a template cannot change.
//
// The language is that of Jinja 3.1 (https://jinja.palletsprojects.com/en/stable/templates/). What is not supported is an error of Parse
// where that can be known, such as a filter, and otherwise of Render. A template reaches nothing but its variables: there are no files, no
// other templates and no attributes of Go values. Steps, nesting and bytes are bounded.
package jinja
