/** In a sample, stands for an example of the operation's body. */
declare const BODY: { email: string; name: string };
