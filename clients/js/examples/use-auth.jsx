// A hook for React: whether somebody is logged in, in all windows.
import { useEffect, useState } from "react";
import { createAuth } from "tokenpair";

export const auth = createAuth({ baseUrl: "/api", delivery: "cookie" });

/** `undefined` until it is known. */
export function useLoggedIn() {
  const [loggedIn, setLoggedIn] = useState();
  useEffect(() => {
    const look = () => void auth.loggedIn().then(setLoggedIn);
    look();
    const stops = [auth.on("login", look), auth.on("logout", look)];
    return () => stops.forEach((stop) => stop());
  }, []);
  return loggedIn;
}

export function Greeting() {
  const loggedIn = useLoggedIn();
  const [user, setUser] = useState();
  useEffect(() => {
    if (loggedIn) auth.user().then(setUser, console.error);
  }, [loggedIn]);
  return loggedIn && user ? <p>Hello, {user.username}.</p> : <a href="/login">Log in</a>;
}
