// What OAuth2 clients get when they are refused (RFC 6749 §5.2, RFC 6750 §3). Thrown in this room, answered by routes.ts.

/** Answered as JSON `{error, error_description, request_id}`. */
export class OauthFailure extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, description: string) {
    super(description);
    this.name = 'OauthFailure';
    this.status = status;
    this.code = code;
  }
}

export const invalidGrant = (description: string) => new OauthFailure(400, 'invalid_grant', description);
export const invalidClient = () => new OauthFailure(400, 'invalid_client', 'Client authentication failed.');
