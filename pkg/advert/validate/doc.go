// Package validate decides which adverts of others are believed (RFC 9568 §7.1), counts
// and reports those that are not, and reports in what those that are differ from our
// configuration.
//
// All of it is pure, as pkg/advert is.
package validate
