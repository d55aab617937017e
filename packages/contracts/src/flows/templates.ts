import type { z } from 'zod';
import type { FlowStepInput } from '../http/flows.ts';
import { type FieldProblem, fieldProblems } from '../validate.ts';
import { ticketPurchase } from './ticket-purchase.ts';

/** A flow that producers post by name, with an input of its own instead of steps. */
export interface FlowTemplate<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly input: Input;
  readonly steps: (input: z.output<Input>) => FlowStepInput[];
}

export const flowTemplates: Readonly<Record<string, FlowTemplate>> = {
  [ticketPurchase.name]: ticketPurchase as unknown as FlowTemplate,
};

export function expandTemplate(
  name: string,
  input: Record<string, unknown>,
): { ok: true; steps: FlowStepInput[] } | { ok: false; problems: FieldProblem[] } {
  const template = Object.hasOwn(flowTemplates, name) ? flowTemplates[name] : undefined;
  if (template === undefined) {
    return {
      ok: false,
      problems: [
        {
          path: 'template',
          message: `is not one of ${Object.keys(flowTemplates).join(', ')}`,
          code: 'unknown_template',
        },
      ],
    };
  }
  const parsed = template.input.safeParse(input);
  return parsed.success
    ? { ok: true, steps: template.steps(parsed.data) }
    : { ok: false, problems: fieldProblems(parsed.error, ['input']) };
}
