// Package validate decides which adverts of other routers are accepted (RFC 9568 §7.1), counts
// and reports the rejected ones, and reports the differences between accepted ones and our
// configuration.
//
// The package is pure, as pkg/advert is.
package validate
