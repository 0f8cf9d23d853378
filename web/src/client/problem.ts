/** A refusal of the server, or of the way to it, in one shape. */
import { say, translate, type Both } from '@/kit/i18n'

export interface FieldProblem {
  field: string
  code: string
  message: Both
}

export interface Problem {
  code: string
  status: number
  message: Both | null
  errors: FieldProblem[]
  facts: Record<string, unknown>
  now: unknown
  request_id: string
}

/** Thrown by every call that did not succeed. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code)
  }

  get code(): string {
    return this.problem.code
  }

  get status(): number {
    return this.problem.status
  }

  /** The sentence for people, in the language of the page. */
  get sentence(): string {
    const { code, status, message } = this.problem
    return say(message) || translate(code, { status })
  }

  /** The sentences beside the fields, by name; of several about one field the first. */
  get fields(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const error of this.problem.errors) found[error.field] ??= say(error.message)
    return found
  }
}

const plain = (code: string, status: number): Problem => ({
  code,
  status,
  message: null,
  errors: [],
  facts: {},
  now: null,
  request_id: '',
})

/** What the way to the server did: no net, too slow. */
export function broken(error: unknown): Refused {
  const slow = error instanceof DOMException && error.name === 'AbortError'
  return new Refused(plain(slow ? 'problem.slow' : 'problem.net', 0))
}

/** What the server said, be it our own problem document or some gateway's page. */
export function refusal(status: number, body: unknown): Refused {
  if (body && typeof body === 'object' && 'code' in body && 'message' in body) {
    return new Refused({ ...plain('', status), ...(body as Partial<Problem>) } as Problem)
  }
  return new Refused(plain('problem.status', status))
}

export const asRefused = (error: unknown): Refused => (error instanceof Refused ? error : broken(error))
