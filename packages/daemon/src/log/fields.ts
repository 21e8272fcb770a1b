// The closed list of log field names (STYLE 38): snake_case, units in the name. A field that is not here does not
// compile; `Secret` is not assignable to any of them.

type Text = string;
type Count = number;

export interface LogFields {
  readonly action?: Text;
  readonly addr?: Text;
  readonly addresses?: readonly Text[];
  readonly app?: Text;
  readonly attempts?: Count;
  readonly attributes?: Text;
  readonly auth?: Text;
  readonly blueprint?: Text;
  readonly bytes?: Count;
  readonly client?: Text;
  readonly code?: Text;
  readonly component?: Text;
  readonly conn?: Count | Text;
  readonly core?: Text;
  readonly count?: Count;
  readonly entries?: Count;
  readonly error?: Text;
  readonly filter?: Text;
  readonly flow?: Text;
  readonly gap_s?: number;
  readonly hint?: Text;
  readonly host?: Text;
  readonly instance?: Text;
  readonly method?: Text;
  readonly mode?: Text;
  readonly model?: Text;
  readonly msgid?: Count;
  readonly name?: Text;
  readonly op?: Text;
  readonly outpost?: Text;
  readonly path?: Text;
  readonly pid?: Count;
  readonly policy?: Text;
  readonly port?: Count;
  readonly provider?: Text | Count;
  readonly reason?: Text;
  readonly remote?: Text;
  readonly request_id?: Text;
  readonly result?: Text;
  readonly runtime?: Text;
  readonly scheme?: Text;
  readonly session?: Text;
  readonly signal?: Text;
  readonly size?: Count;
  readonly stack?: Text;
  readonly stage?: Text;
  readonly status?: Count;
  readonly step?: Text;
  readonly table?: Text;
  readonly took_ms?: number;
  readonly upstream_ms?: number;
  readonly user?: Text;
  readonly user_agent?: Text;
  readonly user_dn?: Text;
  readonly user_pk?: Count;
  readonly version?: Text;
  readonly wait_ms?: number;
}
