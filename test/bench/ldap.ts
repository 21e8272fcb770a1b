// The LDAP outpost against slapd, row by row as its goals are written: repeated binds, searches by uid, prefixes over a large
// directory, listings, whole journeys, cold binds beside remembered ones, and a large directory's memory and refresh. Rounds
// are interleaved, and a median is taken. Needs `slapd` and `taskset`.
// Run: npx tsc -b && npx tsx --conditions source test/bench/ldap.ts [--save] [row …]
import { rows } from './ldap/rows.ts';
import { runRows } from './rows.ts';

await runRows('ldap', rows);
