/**
 * Value rules that several nouns share. The vendor's pages of 2021 and of today differ in lengths and first
 * letters; a self-hosted server takes the union, so that a name accepted by either is accepted here.
 */

/** Gateway name: first a letter of any script, then letters, digits, `_`, `-`, `.`; 2 to 128 characters. */
export const gatewayName = /^(?!https?:\/\/)\p{L}[\p{L}\p{N}_.-]{1,127}$/u

/** Names of connections and customer gateways. */
export const text128 = /^(?!https?:\/\/)[^\p{Cc}]{1,128}$/u

export const text256 = /^(?!https?:\/\/)[^\p{Cc}]{1,256}$/u

/** Plain (`45104`) or in two halves (`123.456` = 123 x 65536 + 456). */
export const asn = /^(\d{1,10}|\d{1,5}\.\d{1,5})$/

/** 1 to 100 visible ASCII characters. */
export const psk = /^[\x21-\x7e]{1,100}$/

/** 1 to 64 visible ASCII characters but `?`, and here but `"`, which BIRD cannot be told. */
export const bgpKey = /^[\x21\x23-\x3e\x40-\x7e]{1,64}$/

/** Neither key nor value of a tag may look like this (API description of TagResources, 2021). */
export const reservedTag = /^(aliyun|acs:)|https?:\/\//i

/** Idempotency key: at most 64 visible ASCII characters. */
export const clientToken = /^[\x21-\x7e]{1,64}$/
