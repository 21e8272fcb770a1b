// Header names that a reverse proxy hands on from us to the application, and takes from nobody else.
import { assertionHeader } from '../identity/assertion.ts';
import { identityHeaderNames } from '../identity/identity-headers.ts';

export const passedHeaderNames: readonly string[] = [...identityHeaderNames, assertionHeader];
