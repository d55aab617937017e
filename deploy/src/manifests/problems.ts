import { invariants } from './invariants.ts';
import type { Manifest } from './manifest.ts';
import { modelErrors } from './model-errors.ts';
import { podSecurityProblems } from './pod-security.ts';
import { strayedSecrets } from './secrets.ts';
import { unknownFields } from './unknown-fields.ts';

/** Everything that is wrong with what one rendering made; empty is good. */
export function problemsOf(manifests: readonly Manifest[]): string[] {
  return [
    ...manifests.flatMap(unknownFields),
    ...manifests.flatMap(modelErrors),
    ...manifests.flatMap(podSecurityProblems),
    ...strayedSecrets(manifests),
    ...Object.entries(invariants).flatMap(([name, invariant]) =>
      invariant(manifests).map((problem) => `${name}: ${problem}`),
    ),
  ];
}
