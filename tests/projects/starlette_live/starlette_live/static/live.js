const socket = new WebSocket(`ws://${location.host}/ws`);
socket.onmessage = (event) => document.body.append(event.data);
socket.onopen = () => socket.send("hello");
