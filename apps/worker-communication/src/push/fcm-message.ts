import type { FcmTarget, Push } from './push.ts';

/** The body of `projects.messages.send`. https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
export function fcmMessage(push: Push<FcmTarget>) {
  const { target, title, body, data, ttlSeconds, collapseKey, tag, expiresAt } = push;
  return {
    message: {
      token: target.token,
      notification: { title, body },
      ...(Object.keys(data).length > 0 && { data }),
      android: {
        ttl: `${ttlSeconds}s`,
        // No key of our own in its place: FCM keeps only four for a device at a time.
        ...(collapseKey !== null && { collapse_key: collapseKey }),
        notification: { tag: collapseKey ?? tag },
      },
      apns: {
        headers: {
          'apns-expiration': ttlSeconds === 0 ? '0' : String(expiresAt),
          'apns-collapse-id': collapseKey ?? tag,
        },
      },
      webpush: { headers: { TTL: String(ttlSeconds), Topic: collapseKey ?? tag } },
    },
  };
}
