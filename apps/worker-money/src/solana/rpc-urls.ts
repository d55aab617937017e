/**
 * The RPC nodes of `SOLANA_RPC_URL`: one URL, or several with commas between, in order of preference.
 * @throws Error that names the entry by its place, not by its text, which may hold an access key
 */
export function parseRpcUrls(text: string): string[] {
  const urls = text.split(',').map((entry) => entry.trim());
  for (const [index, url] of urls.entries()) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new Error(`SOLANA_RPC_URL: entry ${index + 1} is not an http or https URL`);
    }
  }
  return [...new Set(urls)];
}
