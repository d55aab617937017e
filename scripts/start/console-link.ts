/**
 * A link that logs into the console once. Its code stands behind `#`, which browsers send to nobody.
 * @param root origin of the API
 */
export async function consoleLink(root: string, token: string): Promise<string> {
  const answer = await fetch(`${root}/admin/login-codes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  if (answer.status !== 201) throw new Error(`POST /admin/login-codes answered ${answer.status}`);
  const { path } = (await answer.json()) as { path: string };
  return `${root}${path}`;
}
