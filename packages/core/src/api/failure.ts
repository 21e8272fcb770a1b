// Refusals of the REST API with their bodies (core.md §10.4, core-contract §2.3).

/** Messages per field, or a list of texts where a whole form is refused. */
export type FailureBody = Readonly<Record<string, unknown>> | readonly string[];

export class ApiFailure extends Error {
  readonly status: number;
  readonly body: FailureBody;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: FailureBody, retryAfterSeconds?: number) {
    super(JSON.stringify(body));
    this.name = 'ApiFailure';
    this.status = status;
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const throttled = (seconds: number) =>
  new ApiFailure(429, { detail: `Request was throttled. Expected available in ${seconds} seconds.` }, seconds);

export const busyHashing = () =>
  new ApiFailure(503, { detail: 'Too many passwords are waiting to be checked. Try again in a moment.' }, 2);

export const noCredentials = () => new ApiFailure(403, { detail: 'Authentication credentials were not provided.' });
export const badToken = () => new ApiFailure(403, { detail: 'Token invalid/expired' });
export const noPermission = () => new ApiFailure(403, { detail: 'You do not have permission to perform this action.' });
/** `noun`: what is asked for, told by the name of its class: "No ScopeMapping matches the given query." */
export const notFound = (noun?: string) =>
  new ApiFailure(404, { detail: noun === undefined ? 'Not found.' : `No ${className(noun)} matches the given query.` });
const className = (noun: string) => noun.replace(/\/\w+/, '').replaceAll(/\W/g, '');
export const invalid = (field: string, message: string) => new ApiFailure(400, { [field]: [message] });
