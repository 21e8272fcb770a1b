// What is wrong with values that somebody wants to store: one list of messages per field, as the API and blueprints show
// them (core.md §10.4).

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** Messages that administrators' tools match on. */
export const message = {
  required: 'This field is required.',
  blank: 'This field may not be blank.',
  null: 'This field may not be null.',
  unique: 'This field must be unique.',
  nullCharacter: 'Null characters are not allowed.',
  malformed: 'Enter well-formed Unicode.',
  deep: 'This is nested too deeply.',
  choice: (value: unknown) => `"${String(value)}" is not a valid choice.`,
  missing: (pk: unknown) => `Invalid pk "${String(pk)}" - object does not exist.`,
} as const;

export class InvalidInput extends Error {
  readonly fields: FieldErrors;

  constructor(fields: FieldErrors) {
    super(
      Object.entries(fields)
        .map(([field, texts]) => `${field}: ${texts.join(' ')}`)
        .join('; '),
    );
    this.name = 'InvalidInput';
    this.fields = fields;
  }
}

export function invalidField(field: string, text: string): InvalidInput {
  return new InvalidInput({ [field]: [text] });
}
